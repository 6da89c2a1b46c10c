/** Whether a code is an ISO 4217 currency with two decimals, the only kind that prices in cents can express. */
export function isTwoDecimalCurrency(code: string): boolean {
  return twoDecimalCurrencies.has(code);
}

const twoDecimalCurrencies = new Set(
  Intl.supportedValuesOf("currency").filter(
    (currency) =>
      new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits === 2,
  ),
);

/**
 * How many decimals a currency in use has by ISO 4217. Undefined for other codes, and for currencies with more than two
 * decimals, which prices in cents cannot express.
 */
export function decimalsOf(currencyCode: string): 0 | 2 | undefined {
  return currencyDecimals.get(currencyCode);
}

// Written out, since `Intl` has what is customary in shops, which is no decimals for the forint or the rupiah, and changes
// with the version of Node.
const withTwoDecimals =
  "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP " +
  "CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES " +
  "KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK " +
  "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB " +
  "TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG " +
  // Units of account that ISO 4217 lists as funds.
  "BOV CHE CHW COU MXV USN";
const withoutDecimals = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";

const currencyDecimals: ReadonlyMap<string, 0 | 2> = new Map([
  ...withTwoDecimals.split(" ").map((code) => [code, 2] as const),
  ...withoutDecimals.split(" ").map((code) => [code, 0] as const),
]);

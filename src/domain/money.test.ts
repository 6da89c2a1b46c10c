import { describe, expect, test } from "vitest";
import { isTwoDecimalCurrency } from "./money.ts";

describe("takes", () => {
  // The last five are commonly shown without decimals, which ISO 4217 gives them all the same.
  test.each(["USD", "EUR", "GBP", "CHF", "INR", "BRL", "ZAR", "SLE", "HUF", "IDR", "COP", "PKR", "ALL"])("%s", (code) =>
    expect(isTwoDecimalCurrency(code)).toBe(true),
  );
});

describe("refuses", () => {
  test.each([
    ["a currency without decimals", "JPY"],
    ["a currency without decimals", "KRW"],
    ["a currency without decimals", "ISK"],
    ["a currency with three", "KWD"],
    ["a currency with three", "IQD"],
    ["a unit of account with four", "CLF"],
    ["a currency that is no more", "DEM"],
    ["gold", "XAU"],
    ["no currency", "XXX"],
    ["the code for tests", "XTS"],
    ["a code that nobody has", "ABC"],
    ["small letters", "usd"],
    ["a symbol", "$"],
    ["nothing", ""],
    ["a property of every object", "constructor"],
  ])("%s: %s", (_, code) => expect(isTwoDecimalCurrency(code)).toBe(false));
});

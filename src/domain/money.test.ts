import { describe, expect, test } from "vitest";
import { decimalsOf } from "./money.ts";

describe("has two decimals", () => {
  // HUF to ALL are commonly shown without decimals, but have two by ISO 4217.
  test.each(["USD", "EUR", "GBP", "CHF", "INR", "BRL", "ZAR", "SLE", "HUF", "IDR", "COP", "PKR", "ALL", "CHE"])(
    "%s",
    (code) => expect(decimalsOf(code)).toBe(2),
  );
});

describe("has no decimals", () => {
  test.each(["JPY", "KRW", "ISK", "CLP", "VND", "XAF", "XOF", "XPF", "UGX", "UYI"])("%s", (code) =>
    expect(decimalsOf(code)).toBe(0),
  );
});

describe("refuses", () => {
  test.each([
    ["a currency with three", "KWD"],
    ["a currency with three", "BHD"],
    ["a currency with three", "IQD"],
    ["a unit of account with four", "CLF"],
    ["a unit of account with four", "UYW"],
    ["a currency that is no more", "DEM"],
    ["gold", "XAU"],
    ["no currency", "XXX"],
    ["the code for tests", "XTS"],
    ["a code that no currency has", "ABC"],
    ["small letters", "usd"],
    ["a symbol", "$"],
    ["nothing", ""],
    ["a property of every object", "constructor"],
  ])("%s: %s", (_, code) => expect(decimalsOf(code)).toBeUndefined());
});

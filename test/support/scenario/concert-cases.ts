/** Cases of a concert's description, which CreateConcert and UpdateConcert both take. */

import { moonlight } from "../service/stage.ts";
import { atMost, between, breaks, noNul, notBlank, type RuleCase, required } from "./rules.ts";
import type { PolicyCase } from "./scenario.ts";

/** A description that breaks the rules of five fields. */
export const brokenDescription = {
  ...{ ...moonlight, name: " ", totalTickets: 0, price: 0.125, currencyCode: "usd" },
  maxTicketsPerUser: -1,
};
export const brokenFields = [
  ["name", notBlank],
  ["total_tickets", between("1", "10000000")],
  ["price", "must have at most two decimals"],
  ["currency_code", "does not match regex pattern `^[A-Z]{3}$`"],
  ["max_tickets_per_user", between("0", "10000000")],
] as const;

export const emptyWindow = { ...moonlight, bookingEndTime: moonlight.bookingStartTime };
export const windowRule = [["", "booking_end_time must be at least a microsecond after booking_start_time"]] as const;

const noCents = "must be a whole number in JPY, which has no decimals";
const notIso = "is not the ISO 4217 code of a currency with at most two decimals";
export const centsInYen = { ...moonlight, currencyCode: "JPY" };
export const centsRule = [["price", noCents]] as const;
export const dinars = { ...moonlight, currencyCode: "KWD" };
export const currencyRule = [["currency_code", notIso]] as const;

/** White space and characters that are not shown. */
const blankTexts = [" \t\n", "\u3000", "\u00a0\u2003", "\u2028\u0085", "\u200b\u200d", "\ufeff", "\u3164", "\u2800"];

const textCases = () =>
  ["name", "artist", "venue"].flatMap((field) => [
    breaks(field, "cel not_blank", "", notBlank),
    breaks(field, "string.max_len", "x".repeat(256), atMost(255)),
    breaks(field, "string.max_len", "🎸".repeat(256), atMost(255)),
    ...blankTexts.map((text) => breaks(field, "cel not_blank", text, notBlank)),
    breaks(field, "string.not_contains", "Moon\0light", noNul),
  ]);

const inCents = "must have at most two decimals";
const inPriceRange = between("0", "99999999.99");

/** The rules of a concert's description. */
export const descriptionCases = (): RuleCase[] => [
  ...textCases(),
  ...["concert_date", "total_tickets", "price", "booking_start_time", "booking_end_time"].map((field) =>
    breaks(field, "required", undefined, required),
  ),
  breaks("total_tickets", "int32.gte", 0, between("1", "10000000")),
  breaks("total_tickets", "int32.lte", 10_000_001, between("1", "10000000")),
  breaks("max_tickets_per_user", "int32.gte", -1, between("0", "10000000")),
  breaks("max_tickets_per_user", "int32.gte", -2_147_483_648, between("0", "10000000")),
  breaks("max_tickets_per_user", "int32.lte", 10_000_001, between("0", "10000000")),
  breaks("max_tickets_per_user", "int32.lte", 2_147_483_647, between("0", "10000000")),
  breaks("price", "double.gte", -0.01, inPriceRange),
  breaks("price", "double.gte", "NaN", inPriceRange),
  breaks("price", "double.gte", "-Infinity", inPriceRange),
  breaks("price", "double.lte", 100_000_000, inPriceRange),
  breaks("price", "double.lte", 1e300, inPriceRange),
  breaks("price", "double.lte", "Infinity", inPriceRange),
  breaks("price", "cel cents", 0.001, inCents),
  breaks("price", "cel cents", 99_999_999.985, inCents),
  breaks("currency_code", "string.pattern", "eur", "does not match regex pattern `^[A-Z]{3}$`"),
  breaks("currency_code", "string.pattern", "EURO", "does not match regex pattern `^[A-Z]{3}$`"),
  breaks("currency_code", "string.pattern", "EUR\n", "does not match regex pattern `^[A-Z]{3}$`"),
  ...["2020-05-01T10:00:00Z", "2020-05-01T09:00:00Z", "2020-05-01T10:00:00.000000999Z"].map((end) => ({
    rule: "cel booking_window",
    changes: { booking_start_time: "2020-05-01T10:00:00Z", booking_end_time: end },
    violations: [{ field: "", message: "booking_end_time must be at least a microsecond after booking_start_time" }],
  })),
];

/** Right values of the rules for tickets. */
export const ruleVariations = { max_tickets_per_user: [0, 1, 4, 10_000_000], requires_payment: [true, false] };

/** What the service refuses in a price and a currency. */
export const currencyPolicies = (): PolicyCase[] => [
  ...["BHD", "KWD", "XXX", "DEM"].map((code) => ({
    changes: { currency_code: code },
    violations: [{ field: "currency_code", message: notIso }],
  })),
  { changes: { currency_code: "JPY", price: 12.5 }, violations: [{ field: "price", message: noCents }] },
];

/** For each rule of the schema a request that breaks it, by hand, and how the service says so. */
import { type DescMessage, getOption } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import {
  FieldRulesSchema,
  field as fieldOption,
  message as messageOption,
  oneof as oneofOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { JsonObject } from "./bad-input.ts";

/** The names of all rules of a message, such as `GetConcertRequest.id int64.gt`. */
export function rulesOf(desc: DescMessage): string[] {
  const ofMessage = getOption(desc, messageOption);
  const ofOneofs = desc.oneofs.filter((oneof) => getOption(oneof, oneofOption).required);
  return [
    ...ofMessage.cel.map(({ id }) => `${desc.name} cel ${id}`),
    ...[...ofMessage.celExpression, ...ofMessage.oneof].map((rule) => `${desc.name} ${JSON.stringify(rule)}`),
    ...ofOneofs.map(({ name }) => `${desc.name} oneof ${name}`),
    ...desc.fields.flatMap((field) => {
      const rules = getOption(field, fieldOption);
      const names = [...namesIn(reflect(FieldRulesSchema, rules)), ...rules.cel.map(({ id }) => `cel ${id}`)];
      return names.map((name) => `${desc.name}.${field.name} ${name}`);
    }),
  ];
}

/** What is set in the rules of a field. When to ignore them is no rule. */
function namesIn(rules: ReflectMessage): string[] {
  const set = rules.fields.filter((field) => rules.isSet(field) && field.name !== "ignore" && field.name !== "cel");
  return set.flatMap((field) =>
    field.fieldKind === "message" ? namesIn(rules.get(field)).map((name) => `${field.name}.${name}`) : [field.name],
  );
}

export interface RuleCase {
  /** As `rulesOf` names it. */
  readonly rule: string;
  /** What to change in a request that is right; undefined leaves a field out. */
  readonly changes: JsonObject;
  readonly violations: readonly { readonly field: string; readonly message: string }[];
}

const required = "value is required";
const noNul = "must not contain the character U+0000";
const notBlank = "must not be empty or only spaces";
const uuid = "must be a valid UUID";
const positive = "must be greater than 0";
const between = (least: string, most: string) =>
  `must be greater than or equal to ${least} and less than or equal to ${most}`;
const atMost = (length: number) => `must be at most ${length} characters`;

/** A case of a rule of one field. */
function one(message: string, field: string, rule: string, value: JsonObject[string], ...faults: string[]): RuleCase {
  const violations = faults.map((fault) => ({ field, message: fault }));
  return { rule: `${message}.${field} ${rule}`, changes: { [field]: value }, violations };
}

const idCases = (message: string, field = "id") => [
  one(message, field, "int64.gt", "0", positive),
  one(message, field, "int64.gt", "-1", positive),
  one(message, field, "int64.gt", "-9223372036854775808", positive),
];

const requestIdCases = (message: string) => [
  one(message, "request_id", "string.uuid", "x", uuid),
  one(message, "request_id", "string.uuid", "3b8f2d4e0d5b4b329a552f3a8e0a7c11", uuid),
  one(message, "request_id", "string.uuid", "{3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c11}", uuid),
  one(message, "request_id", "string.uuid", "3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c1g", uuid),
];

const userIdCases = (message: string) => [
  one(message, "user_id", "string.max_len", "u".repeat(256), atMost(255)),
  one(message, "user_id", "string.max_len", "🎸".repeat(256), atMost(255)),
  one(message, "user_id", "string.not_contains", "no\0ra", noNul),
];

const pageCases = (message: string) => [
  one(message, "page_size", "int32.gte", -1, between("0", "100")),
  one(message, "page_size", "int32.lte", 101, between("0", "100")),
  one(message, "page_token", "string.max_len", "t".repeat(513), atMost(512)),
  one(message, "page_token", "string.not_contains", "\0", noNul),
];

const filterCases = (field: string) => [
  one("ListConcertsRequest", field, "string.max_len", "f".repeat(101), atMost(100)),
  one("ListConcertsRequest", field, "string.not_contains", "abc\0", noNul),
];

/** White space and characters that are not shown. */
const blankTexts = [" \t\n", "\u3000", "\u00a0\u2003", "\u2028\u0085", "\u200b\u200d", "\ufeff", "\u3164", "\u2800"];

const textCases = (message: string) =>
  ["name", "artist", "venue"].flatMap((field) => [
    one(message, field, "cel not_blank", "", notBlank),
    one(message, field, "string.max_len", "x".repeat(256), atMost(255)),
    one(message, field, "string.max_len", "🎸".repeat(256), atMost(255)),
    ...blankTexts.map((text) => one(message, field, "cel not_blank", text, notBlank)),
    one(message, field, "string.not_contains", "Moon\0light", noNul),
  ]);

const inCents = "must have at most two decimals";
const inPriceRange = between("0", "99999999.99");

/** What CreateConcert and UpdateConcert have in common. */
const descriptionCases = (message: string): RuleCase[] => [
  ...textCases(message),
  ...["concert_date", "total_tickets", "price", "booking_start_time", "booking_end_time"].map((field) =>
    one(message, field, "required", undefined, required),
  ),
  one(message, "total_tickets", "int32.gte", 0, between("1", "10000000")),
  one(message, "total_tickets", "int32.lte", 10_000_001, between("1", "10000000")),
  one(message, "price", "double.gte", -0.01, inPriceRange),
  one(message, "price", "double.gte", "NaN", inPriceRange),
  one(message, "price", "double.gte", "-Infinity", inPriceRange),
  one(message, "price", "double.lte", 100_000_000, inPriceRange),
  one(message, "price", "double.lte", 1e300, inPriceRange),
  one(message, "price", "double.lte", "Infinity", inPriceRange),
  one(message, "price", "cel cents", 0.001, inCents),
  one(message, "price", "cel cents", 99_999_999.985, inCents),
  one(message, "currency_code", "string.pattern", "eur", "does not match regex pattern `^[A-Z]{3}$`"),
  one(message, "currency_code", "string.pattern", "EURO", "does not match regex pattern `^[A-Z]{3}$`"),
  one(message, "currency_code", "string.pattern", "EUR\n", "does not match regex pattern `^[A-Z]{3}$`"),
  ...["2020-05-01T10:00:00Z", "2020-05-01T09:00:00Z", "2020-05-01T10:00:00.000000999Z"].map((end) => ({
    rule: `${message} cel booking_window`,
    changes: { booking_start_time: "2020-05-01T10:00:00Z", booking_end_time: end },
    violations: [{ field: "", message: "booking_end_time must be at least a microsecond after booking_start_time" }],
  })),
];

/** At least one case for each rule. */
export const ruleCases: readonly RuleCase[] = [
  ...idCases("GetConcertRequest"),
  ...pageCases("ListConcertsRequest"),
  ...["artist", "venue", "name"].flatMap(filterCases),
  ...["2030-01-01T00:00:00Z", "2029-12-31T23:59:59Z"].map((end) => ({
    rule: "ListConcertsRequest cel date_range",
    changes: { date_from: "2030-01-01T00:00:00Z", date_to: end },
    violations: [{ field: "", message: "date_to must be after date_from" }],
  })),
  ...requestIdCases("CreateConcertRequest"),
  ...descriptionCases("CreateConcertRequest"),
  ...idCases("UpdateConcertRequest"),
  one("UpdateConcertRequest", "version", "required", undefined, required),
  one("UpdateConcertRequest", "version", "int32.gte", 0, "must be greater than or equal to 1"),
  ...descriptionCases("UpdateConcertRequest"),
  one("UpdateConcertRequest", "currency_code", "string.pattern", "", "does not match regex pattern `^[A-Z]{3}$`"),
  ...idCases("GetBookingRequest"),
  ...userIdCases("GetUserBookingsRequest"),
  ...pageCases("GetUserBookingsRequest"),
  ...requestIdCases("BookTicketsRequest"),
  ...idCases("BookTicketsRequest", "concert_id"),
  ...userIdCases("BookTicketsRequest"),
  one("BookTicketsRequest", "ticket_count", "int32.gte", 0, between("1", "100")),
  one("BookTicketsRequest", "ticket_count", "int32.gte", -5, between("1", "100")),
  one("BookTicketsRequest", "ticket_count", "int32.lte", 101, between("1", "100")),
  ...requestIdCases("CancelBookingRequest"),
  ...idCases("CancelBookingRequest"),
  ...userIdCases("CancelBookingRequest"),
];

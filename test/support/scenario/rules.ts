/** The rules that the schema has for requests, and cases of those that several methods share. */
import { type DescMessage, getOption } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  FieldRulesSchema,
  field as fieldOption,
  message as messageOption,
  oneof as oneofOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Violation } from "../protocols/protocols.ts";
import type { JsonObject, PolicyCase } from "./scenario.ts";

/** The names of all rules of a message, such as `id int64.gt`, or `cel date_range` for the message as a whole. */
export function rulesOf(desc: DescMessage): string[] {
  const ofMessage = getOption(desc, messageOption);
  const ofOneofs = desc.oneofs.filter((oneof) => getOption(oneof, oneofOption).required);
  return [
    ...ofMessage.cel.map(({ id }) => `cel ${id}`),
    ...[...ofMessage.celExpression, ...ofMessage.oneof].map((rule) => JSON.stringify(rule)),
    ...ofOneofs.map(({ name }) => `oneof ${name}`),
    ...desc.fields.flatMap((field) => {
      const rules = getOption(field, fieldOption);
      const names = [...namesIn(reflect(FieldRulesSchema, rules)), ...rules.cel.map(({ id }) => `cel ${id}`)];
      return names.map((name) => `${field.name} ${name}`);
    }),
  ];
}

/** What a set of rules holds besides rules: when to ignore them, examples, and those in CEL, which have names. */
const noRules: ReadonlySet<string> = new Set(["ignore", "example", "cel"]);

/** What is set in the rules of a field. The bounds of a duration are messages, and values. */
function namesIn(rules: ReflectMessage): string[] {
  const set = rules.fields.filter((field) => rules.isSet(field) && !noRules.has(field.name));
  return set.flatMap((field) =>
    field.fieldKind === "message" && field.message.typeName !== DurationSchema.typeName
      ? namesIn(rules.get(field)).map((name) => `${field.name}.${name}`)
      : [field.name],
  );
}

export interface RuleCase {
  /** As `rulesOf` names it. */
  readonly rule: string;
  /** What to change in a request that is right; undefined leaves a field out. */
  readonly changes: JsonObject;
  readonly violations: readonly Violation[];
}

export const required = "value is required";
export const noNul = "must not contain the character U+0000";
export const notBlank = "must not be empty or only spaces";
export const notUuid = "must be a valid UUID";
export const notPositive = "must be greater than 0";
export const between = (least: string, most: string) =>
  `must be greater than or equal to ${least} and less than or equal to ${most}`;
export const atMost = (length: number) => `must be at most ${length} characters`;

/** A case of a rule for one field, and the messages of its violations. */
export function breaks(field: string, rule: string, value: JsonObject[string], ...faults: string[]): RuleCase {
  const violations = faults.map((fault) => ({ field, message: fault }));
  return { rule: `${field} ${rule}`, changes: { [field]: value }, violations };
}

/** The rules of an id. */
export const idCases = (field = "id") => [
  breaks(field, "int64.gt", "0", notPositive),
  breaks(field, "int64.gt", "-1", notPositive),
  breaks(field, "int64.gt", "-9223372036854775808", notPositive),
];

/** The rules of a request_id. */
export const requestIdCases = () => [
  breaks("request_id", "string.uuid", "x", notUuid),
  breaks("request_id", "string.uuid", "3b8f2d4e0d5b4b329a552f3a8e0a7c11", notUuid),
  breaks("request_id", "string.uuid", "{3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c11}", notUuid),
  breaks("request_id", "string.uuid", "3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c1g", notUuid),
];

/** The rules of a user_id. */
export const userIdCases = () => [
  breaks("user_id", "string.max_len", "u".repeat(256), atMost(255)),
  breaks("user_id", "string.max_len", "🎸".repeat(256), atMost(255)),
  breaks("user_id", "string.not_contains", "no\0ra", noNul),
];

/** The rules of a page. */
export const pageCases = () => [
  breaks("page_size", "int32.gte", -1, between("0", "100")),
  breaks("page_size", "int32.lte", 101, between("0", "100")),
  breaks("page_token", "string.max_len", "t".repeat(513), atMost(512)),
  breaks("page_token", "string.not_contains", "\0", noNul),
];

/** The message about a page_token that the list has not returned. */
export const badToken = "page_token is not one that this list with these filters has given; start again without it";

/** The statuses that a booking may have, as JSON names them. */
export const statuses = ["CONFIRMED", "CANCELLED", "HELD", "EXPIRED", "RELEASED"].map(
  (name) => `BOOKING_STATUS_${name}`,
);
const oneOfStatuses = `must be one of ${statuses.join(", ")}`;

/** The rules of a list of statuses. */
export const statusesCases = (): RuleCase[] => [
  breaks(
    "statuses",
    "repeated.max_items",
    new Array(11).fill("BOOKING_STATUS_HELD"),
    "must contain no more than 10 item(s)",
  ),
  {
    rule: "statuses repeated.items.enum.not_in",
    changes: { statuses: ["BOOKING_STATUS_HELD", "BOOKING_STATUS_UNSPECIFIED"] },
    violations: [{ field: "statuses[1]", message: oneOfStatuses }],
  },
  ...[6, -1, 2_147_483_647].map((status) => ({
    rule: "statuses repeated.items.enum.defined_only",
    changes: { statuses: [status] },
    violations: [{ field: "statuses[0]", message: oneOfStatuses }],
  })),
];

const aSecondToADay = between("1s", "86400s");

/** The rules of a hold's time to live. */
export const ttlCases = () => [
  ...["0s", "0.999999999s", "-1s", "-600s", "-315576000000s"].map((ttl) =>
    breaks("ttl", "duration.gte", ttl, aSecondToADay),
  ),
  ...["86400.000000001s", "315576000000s"].map((ttl) => breaks("ttl", "duration.lte", ttl, aSecondToADay)),
];

/** What the service refuses in a hold's time to live: more than the operator allows, by default 35 minutes. */
export const ttlPolicies = (): PolicyCase[] =>
  ["2100.001s", "2101s", "86400s"].map((ttl) => ({
    changes: { ttl },
    violations: [{ field: "ttl", message: "must be at most 2100s" }],
  }));

/** The rules of a text to search for. */
export const filterCases = (field: string) => [
  breaks(field, "string.max_len", "f".repeat(101), atMost(100)),
  breaks(field, "string.not_contains", "abc\0", noNul),
];

/** What the service refuses in a user_id when callers show no tokens. */
export const userIdPolicies = (): PolicyCase[] => [
  { changes: { user_id: "" }, violations: [{ field: "user_id", message: "is required" }] },
];

/** What the service refuses in a request_id. */
export const requestIdPolicies = (): PolicyCase[] =>
  ["0", "f", "F"].map((digit) => ({
    changes: { request_id: [8, 4, 4, 4, 12].map((length) => digit.repeat(length)).join("-") },
    violations: [{ field: "request_id", message: "must not be the nil or the max UUID: they identify nothing" }],
  }));

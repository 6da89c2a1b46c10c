/** Every rule for a field is enforced by every kind of protocol, and the violations name the fields. */
import { create, fromJson, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methods, nameOf, scenarios } from "./methods/index.ts";
import { createJsonCaller, type JsonCaller, jsonProtocols } from "./support/protocols/json-calls.ts";
import { createProtocolClient, protocols, supports } from "./support/protocols/protocols.ts";
import { rulesOf } from "./support/scenario/rules.ts";
import { type Subject, startSubject } from "./support/service/subject.ts";

let subject: Subject;
let caller: JsonCaller;
beforeAll(async () => {
  subject = await startSubject();
  caller = createJsonCaller(subject.baseUrl);
});
afterAll(async () => {
  caller?.close();
  await subject?.close();
});

function invalidRequest(violations: readonly { field: string; message: string }[]) {
  const message = violations.map((each) => (each.field === "" ? each.message : `${each.field}: ${each.message}`));
  const common = { ok: false, code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST" };
  return { ...common, message: message.join("; "), violations };
}

test.each(scenarios.map(({ method, rules }) => [method.input.name, method, rules] as const))(
  "every rule of %s has a case, and every case has a rule",
  (_, { input }, rules) => {
    expect([...new Set(rules.map(({ rule }) => rule))].sort()).toEqual(rulesOf(input).sort());
  },
);

test("every method has its own input, which has only scalars, times and lists of enums", () => {
  expect(new Set(methods.map(({ input }) => input)).size).toBe(methods.length);
  for (const field of methods.flatMap(({ input }) => input.fields)) {
    // Nested messages would need more rules, cases and a check of their times.
    const kind = field.fieldKind === "list" ? `list of ${field.listKind}` : field.fieldKind;
    expect([field.name, field.message?.typeName ?? kind]).toEqual([
      field.name,
      expect.stringMatching(/^(?:scalar|list of enum|google\.protobuf\.(?:Timestamp|Duration))$/),
    ]);
  }
});

describe.each(jsonProtocols)("by %s", (protocol) => {
  const cases = scenarios.flatMap(({ method, rules, policies = [] }) => [
    ...rules.map(({ rule, ...each }) => ({ ...each, method, broken: rule })),
    ...policies.map((each) => ({ ...each, method, broken: "a rule of the service" })),
  ]);
  const named = cases.map((each) => ({ ...each, values: JSON.stringify(each.changes).slice(0, 80) }));
  test.each(named)("$method.name refuses $values, which breaks $broken", async ({ method, changes, violations }) => {
    const request = { ...subject.requests[nameOf(method)], ...changes };
    expect(await caller.call(protocol, nameOf(method), request)).toEqual(invalidRequest(violations));
  });
});

describe("a time out of range, which only binary messages can hold, is refused", () => {
  const outOfYears = "must be between the years 1 and 9999";
  const timestamps: [string, { seconds: bigint; nanos: number }, string][] = [
    ["the year 0", { seconds: -62_135_596_801n, nanos: 999_999_999 }, outOfYears],
    ["the year 10000", { seconds: 253_402_300_800n, nanos: 0 }, outOfYears],
    ["the greatest second", { seconds: 2n ** 63n - 1n, nanos: 0 }, outOfYears],
    ["the least second", { seconds: -(2n ** 63n), nanos: 0 }, outOfYears],
    ["negative nanos", { seconds: 0n, nanos: -1 }, "must have 0 to 999999999 nanos"],
    ["a whole second of nanos", { seconds: 0n, nanos: 1_000_000_000 }, "must have 0 to 999999999 nanos"],
  ];
  const durations: typeof timestamps = [
    ["the greatest second", { seconds: 2n ** 63n - 1n, nanos: 0 }, "must be within 10,000 years"],
    ["the least second", { seconds: -(2n ** 63n), nanos: 0 }, "must be within 10,000 years"],
    ["negative nanos", { seconds: 60n, nanos: -1 }, "must have nanos of the same sign as its seconds"],
    ["a whole second of nanos", { seconds: 60n, nanos: 1_000_000_000 }, "must have less than a second of nanos"],
  ];
  const cases = methods.flatMap((method) =>
    method.input.fields.flatMap((field) => {
      const { message } = field;
      if (!message) return [];
      const values = message.typeName === DurationSchema.typeName ? durations : timestamps;
      return values.map(([what, value, fault]) => ({
        name: `${method.name} ${field.name}: ${what}`,
        ...{ method, field, message, value, fault },
      }));
    }),
  );
  describe.each(["gRPC", "Connect binary"] as const)("by %s", (protocol) => {
    test.each(cases)("$name", async ({ method, field, message: schema, value, fault }) => {
      const json = subject.requests[nameOf(method)] as Record<string, JsonValue>;
      const message = Object.assign(fromJson(method.input, json), {
        [field.localName]: create(schema, value as never),
      });
      const client = createProtocolClient(protocol, subject.baseUrl);
      const answer = await client.call(method, message as never).finally(() => client.close());
      expect(answer).toMatchObject(invalidRequest([{ field: field.name, message: fault }]));
    });
  });
});

describe.each(protocols)("U+0000 in a text is refused by %s", (protocol) => {
  const texts = methods
    .filter((method) => supports(protocol, method))
    .flatMap((method) => method.input.fields.map((field) => ({ method, field })))
    .filter(({ field }) => field.scalar === ScalarType.STRING);
  test.each(texts)("$method.name $field.name", async ({ method, field }) => {
    const request = fromJson(method.input, subject.requests[nameOf(method)] as Record<string, JsonValue>);
    const client = createProtocolClient(protocol, subject.baseUrl);
    const message = Object.assign(request, { [field.localName]: "abc\0" });
    const answer = await client.call(method, message as never).finally(() => client.close());
    const violations = expect.arrayContaining([expect.objectContaining({ field: field.name })]);
    expect(answer).toMatchObject({ ok: false, code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST", violations });
  });
});

test.each(jsonProtocols)("one answer has the violations of all fields by %s", async (protocol) => {
  const request = { request_id: "x", concert_id: "0", user_id: "u".repeat(256), ticket_count: 0 };
  const answer = await caller.call(protocol, "BookingService.BookTickets", request);
  const violations = Object.keys(request).map((field) => expect.objectContaining({ field }));
  expect(answer).toMatchObject({ ok: false, violations });
});

test("the refused requests stored nothing, and the service still answers", () => subject.expectUnharmed());

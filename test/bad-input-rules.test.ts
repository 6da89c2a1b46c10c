/** Every rule of the schema is held, by every kind of protocol, and what breaks it is told by name. */
import { create, fromJson, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type JsonObject, type Subject, startSubject } from "./support/bad-input.ts";
import { createJsonCaller, type JsonCaller, jsonProtocols, nameOf } from "./support/json-calls.ts";
import { methods } from "./support/matrix.ts";
import { createProtocolClient, protocols, supports } from "./support/protocols.ts";
import { ruleCases, rulesOf } from "./support/rule-cases.ts";

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

test("every rule of the schema has a case, and every case a rule", () => {
  const rules = methods.flatMap((method) => rulesOf(method.input));
  expect([...new Set(ruleCases.map(({ rule }) => rule))].sort()).toEqual(rules.sort());
});

test("every method has an input of its own, which holds nothing but single values and times", () => {
  expect(new Set(methods.map(({ input }) => input)).size).toBe(methods.length);
  for (const field of methods.flatMap(({ input }) => input.fields)) {
    // Nested messages would need rules, cases and a timestamp check of their own.
    expect([field.name, field.message?.typeName ?? field.fieldKind]).toEqual([
      field.name,
      expect.stringMatching(/^(?:scalar|google\.protobuf\.Timestamp)$/),
    ]);
  }
});

describe.each(jsonProtocols)("by %s", (protocol) => {
  const cases = ruleCases.map((each) => ({
    ...each,
    name: `${each.rule}: ${JSON.stringify(each.changes).slice(0, 80)}`,
  }));
  test.each(cases)("$name", async ({ rule, changes, violations }) => {
    const method = methods.find(({ input }) => rule.startsWith(input.name));
    if (!method) throw new Error(`no method takes ${rule}`);
    const answer = await caller.call(protocol, nameOf(method), { ...subject.requests[nameOf(method)], ...changes });
    expect(answer).toEqual(invalidRequest(violations));
  });
});

describe("what the schema leaves to the service", () => {
  const cases: [method: string, changes: JsonObject, field: string, message: string][] = [
    ["BookingService.BookTickets", { user_id: "" }, "user_id", "is required"],
    ["BookingService.CancelBooking", { user_id: "" }, "user_id", "is required"],
    ["BookingService.GetUserBookings", { user_id: "" }, "user_id", "is required"],
    ...["ConcertService.CreateConcert", "ConcertService.UpdateConcert"].flatMap((method) =>
      ["BHD", "KWD", "XXX", "DEM"].map((code): (typeof cases)[number] => [
        ...([method, { currency_code: code }, "currency_code"] as const),
        "is not the ISO 4217 code of a currency with at most two decimals",
      ]),
    ),
    ...["ConcertService.CreateConcert", "ConcertService.UpdateConcert"].map((method): (typeof cases)[number] => [
      ...([method, { currency_code: "JPY", price: 12.5 }, "price"] as const),
      "must be a whole number in JPY, which has no decimals",
    ]),
    ...["ConcertService.CreateConcert", "BookingService.BookTickets", "BookingService.CancelBooking"].flatMap(
      (method) =>
        ["0", "f", "F"].map((digit): (typeof cases)[number] => [
          ...([
            method,
            { request_id: [8, 4, 4, 4, 12].map((length) => digit.repeat(length)).join("-") },
            "request_id",
          ] as const),
          "must not be the nil or the max UUID: they identify nothing",
        ]),
    ),
  ];
  describe.each(jsonProtocols)("by %s", (protocol) => {
    test.each(cases)("%s %j", async (method, changes, field, message) => {
      const answer = await caller.call(protocol, method, { ...subject.requests[method], ...changes });
      expect(answer).toEqual(invalidRequest([{ field, message }]));
    });
  });
});

describe("a timestamp that is none, which only binary messages can hold", () => {
  const outOfYears = "must be between the years 1 and 9999";
  const values: [string, { seconds: bigint; nanos: number }, string][] = [
    ["the year 0", { seconds: -62_135_596_801n, nanos: 999_999_999 }, outOfYears],
    ["the year 10000", { seconds: 253_402_300_800n, nanos: 0 }, outOfYears],
    ["the greatest second", { seconds: 2n ** 63n - 1n, nanos: 0 }, outOfYears],
    ["the least second", { seconds: -(2n ** 63n), nanos: 0 }, outOfYears],
    ["negative nanos", { seconds: 0n, nanos: -1 }, "must have 0 to 999999999 nanos"],
    ["a whole second of nanos", { seconds: 0n, nanos: 1_000_000_000 }, "must have 0 to 999999999 nanos"],
  ];
  const fields = methods.flatMap((method) =>
    method.input.fields.filter(({ message }) => message).map((field) => ({ method, field })),
  );
  const cases = fields.flatMap(({ method, field }) =>
    values.map(([what, value, fault]) => ({
      name: `${method.name} ${field.name}: ${what}`,
      method,
      field,
      value,
      fault,
    })),
  );
  describe.each(["gRPC", "Connect binary"] as const)("by %s", (protocol) => {
    test.each(cases)("$name", async ({ method, field, value, fault }) => {
      const json = subject.requests[nameOf(method)] as Record<string, JsonValue>;
      const message = Object.assign(fromJson(method.input, json), {
        [field.localName]: create(TimestampSchema, value),
      });
      const client = createProtocolClient(protocol, subject.baseUrl);
      const answer = await client.call(method, message as never).finally(() => client.close());
      expect(answer).toMatchObject(invalidRequest([{ field: field.name, message: fault }]));
    });
  });
});

describe.each(protocols)("U+0000 in any text is refused by %s", (protocol) => {
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

test.each(jsonProtocols)("all that is wrong is told at once by %s", async (protocol) => {
  const request = { request_id: "x", concert_id: "0", user_id: "u".repeat(256), ticket_count: 0 };
  const answer = await caller.call(protocol, "BookingService.BookTickets", request);
  const violations = Object.keys(request).map((field) => expect.objectContaining({ field }));
  expect(answer).toMatchObject({ ok: false, violations });
});

test("nothing of all this was stored, and the service still answers", () => subject.expectUnharmed());

import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { createContextValues, createHandlerContext, type HandlerContext } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ConcertService,
  CreateConcertRequestSchema,
  ListConcertsRequestSchema,
} from "../../gen/frontrow/v1/concert_service_pb.ts";
import { DomainError, type Failure } from "../domain/failure.ts";
import {
  descriptionOf,
  filterOf,
  markReplay,
  pageSizeOf,
  requestIdOf,
  requireUserId,
  timestampMessage,
} from "./convert.ts";

const seeded = { seed: 1, numRuns: 1_000 };
const timestamp = (text: string) => timestampMessage(Temporal.Instant.from(text));

const request = {
  name: "Moonlight",
  artist: "The Larks",
  venue: "Old Mill",
  concertDate: timestamp("2099-06-01T20:00:00Z"),
  totalTickets: 100,
  price: 50.25,
  currencyCode: "EUR",
  bookingStartTime: timestamp("2020-05-01T10:00:00Z"),
  bookingEndTime: timestamp("2099-06-01T19:30:00Z"),
};
type Changes = { readonly [Name in keyof typeof request]?: (typeof request)[Name] | undefined };

const describeWith = (changes: Changes) =>
  descriptionOf(create(CreateConcertRequestSchema, { ...request, ...changes } as typeof request));

/** The failure that a call raises. Other errors are rethrown. */
function failureOf(call: () => unknown): Failure | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error.failure;
    throw error;
  }
}

const refusal = (field: string, message: string): Failure => ({
  reason: "INVALID_REQUEST",
  violations: [{ field, message }],
});

describe("a concert's description", () => {
  test("is the request's, with money in cents and times as instants", () => {
    expect(describeWith({})).toEqual({
      name: "Moonlight",
      artist: "The Larks",
      venue: "Old Mill",
      concertDate: Temporal.Instant.from("2099-06-01T20:00:00Z"),
      totalTickets: 100,
      priceCents: 5025,
      currencyCode: "EUR",
      bookingStartTime: Temporal.Instant.from("2020-05-01T10:00:00Z"),
      bookingEndTime: Temporal.Instant.from("2099-06-01T19:30:00Z"),
      maxTicketsPerUser: undefined,
      requiresPayment: false,
    });
  });

  test("is in US dollars if it has no currency", () => {
    expect(describeWith({ currencyCode: "" }).currencyCode).toBe("USD");
  });

  test.each(["BHD", "KWD", "XXX", "ZZZ"])("cannot be in %s", (currencyCode) => {
    expect(failureOf(() => describeWith({ currencyCode }))).toEqual(
      refusal("currency_code", "is not the ISO 4217 code of a currency with at most two decimals"),
    );
  });

  test.each([0, 1_200, 99_999_999])("can be in yen, as a whole number: %d", (price) => {
    expect(describeWith({ currencyCode: "JPY", price })).toMatchObject({
      currencyCode: "JPY",
      priceCents: price * 100,
    });
  });

  test.each([0.5, 12.5, 99_999_999.99])("cannot be in yen with decimals: %d", (price) => {
    expect(failureOf(() => describeWith({ currencyCode: "JPY", price }))).toEqual(
      refusal("price", "must be a whole number in JPY, which has no decimals"),
    );
  });

  test.each([
    ["concertDate", "concert_date"],
    ["totalTickets", "total_tickets"],
    ["price", "price"],
    ["bookingStartTime", "booking_start_time"],
    ["bookingEndTime", "booking_end_time"],
  ] as const)("needs %s", (name, field) => {
    expect(failureOf(() => describeWith({ [name]: undefined }))).toEqual(refusal(field, "is required"));
  });

  test("needs a window of a microsecond after its times are truncated", () => {
    const window = (start: string, end: string) => () =>
      describeWith({ bookingStartTime: timestamp(start), bookingEndTime: timestamp(end) });
    expect(failureOf(window("2030-01-01T00:00:00.000000999Z", "2030-01-01T00:00:00.000001Z"))).toBeUndefined();
    expect(failureOf(window("2030-01-01T00:00:00.000001Z", "2030-01-01T00:00:00.000001999Z"))).toEqual(
      refusal("", "booking_end_time must be at least a microsecond after booking_start_time"),
    );
  });

  test.each([
    ["2030-01-01T00:00:00.123456789Z", "2030-01-01T00:00:00.123456Z"],
    ["2030-01-01T00:00:00.000000999Z", "2030-01-01T00:00:00Z"],
    ["1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
    ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"],
  ])("keeps of %s the microseconds", (given, kept) => {
    expect(describeWith({ concertDate: timestamp(given) }).concertDate.toString()).toBe(kept);
  });

  test("keeps every instant of whole microseconds, from the year 1 to 9999", () => {
    const microseconds = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
    fc.assert(
      fc.property(microseconds, (value) => {
        const instant = Temporal.Instant.fromEpochNanoseconds(value * 1_000n);
        expect(describeWith({ concertDate: timestampMessage(instant) }).concertDate.equals(instant)).toBe(true);
      }),
      seeded,
    );
  });
});

describe("a price", () => {
  const validator = createValidator();
  const isAllowed = (price: number) =>
    validator.validate(CreateConcertRequestSchema, create(CreateConcertRequestSchema, { ...request, price })).kind ===
    "valid";
  const cents = fc.integer({ min: 0, max: 9_999_999_999 });

  test.each([
    [0, 0],
    [-0, 0],
    [0.01, 1],
    [0.29, 29],
    [1.1, 110],
    [4.35, 435],
    [50, 5000],
    [81_234.07, 8_123_407],
    [99_999_999.98, 9_999_999_998],
    [99_999_999.99, 9_999_999_999],
  ])("of %d is allowed, and %d cents", (price, expected) => {
    expect(isAllowed(price)).toBe(true);
    expect(describeWith({ price }).priceCents).toBe(expected);
  });

  test("of any number of cents is allowed, and that many cents", () => {
    fc.assert(
      fc.property(cents, (amount) => {
        // As a client writes it, and as a client calculates it.
        for (const price of [
          Number(`${Math.trunc(amount / 100)}.${String(amount % 100).padStart(2, "0")}`),
          amount / 100,
        ]) {
          expect(isAllowed(price)).toBe(true);
          expect(describeWith({ price }).priceCents).toBe(amount);
        }
      }),
      seeded,
    );
  });

  test("between two cents is rejected", () => {
    fc.assert(
      fc.property(cents, fc.double({ min: 0.0001, max: 0.9999, noNaN: true }), (amount, fraction) => {
        const price = (amount + fraction) / 100;
        // A double near the highest price has no room for the finest fractions.
        fc.pre(price !== amount / 100 && price !== (amount + 1) / 100);
        expect(isAllowed(price)).toBe(false);
      }),
      seeded,
    );
  });

  test.each([-0.01, -1, 0.001, 0.299, 100_000_000, 1e300, 5e-324, Number.NaN, Infinity, -Infinity])(
    "of %d is refused",
    (price) => expect(isAllowed(price)).toBe(false),
  );
});

describe("a filter", () => {
  const nothing = { artist: undefined, venue: undefined, name: undefined, dateFrom: undefined, dateTo: undefined };

  test("that is empty does not filter", () => {
    const filter = filterOf(create(ListConcertsRequestSchema));
    expect(filter).toEqual({ ...nothing, availableOnly: false, bookingOpenOnly: false });
  });

  test("that is blank does not filter", () => {
    const filter = filterOf(
      create(ListConcertsRequestSchema, { artist: " ", venue: "\u3000\t", name: "\u00a0\u2028" }),
    );
    expect(filter).toMatchObject(nothing);
  });

  test("has no white space around its texts", () => {
    const filter = filterOf(
      create(ListConcertsRequestSchema, { artist: "owls ", venue: "\u3000old  mill", name: "\u0085a" }),
    );
    expect(filter).toMatchObject({ artist: "owls", venue: "old  mill", name: "a" });
  });

  test("has the values of the request", () => {
    const filter = filterOf(
      create(ListConcertsRequestSchema, {
        artist: "100%",
        venue: "a_b",
        name: "a\\b",
        dateFrom: timestamp("1969-12-31T23:59:59.999999999Z"),
        dateTo: timestamp("2030-01-01T00:00:00Z"),
        availableOnly: true,
        bookingOpenOnly: true,
      }),
    );
    expect(filter).toEqual({
      artist: "100%",
      venue: "a_b",
      name: "a\\b",
      dateFrom: Temporal.Instant.from("1969-12-31T23:59:59.999999Z"),
      dateTo: Temporal.Instant.from("2030-01-01T00:00:00Z"),
      availableOnly: true,
      bookingOpenOnly: true,
    });
  });
});

test.each([
  [0, 20],
  [1, 1],
  [100, 100],
])("a page size of %d means %d", (given, meant) => expect(pageSizeOf(given)).toBe(meant));

test("a request needs a user", () => {
  expect(requireUserId("nora")).toBe("nora");
  expect(failureOf(() => requireUserId(""))).toEqual(refusal("user_id", "is required"));
});

describe("a request id", () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

  test("is the client's, in lower case", () => {
    expect(requestIdOf("3B8F2D4E-0D5B-4B32-9A55-2F3A8E0A7C11")).toBe("3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c11");
  });

  test("is a new one if the client sends none", () => {
    const [one, other] = [requestIdOf(""), requestIdOf("")];
    expect(one).toMatch(uuid);
    expect(other).toMatch(uuid);
    expect(one).not.toBe(other);
  });
});

test("only a replay has the header Idempotency-Replayed", () => {
  const contextOf = (): HandlerContext =>
    createHandlerContext({
      service: ConcertService,
      method: ConcertService.method.createConcert,
      protocolName: "test",
      requestMethod: "POST",
      url: "http://localhost/",
      contextValues: createContextValues(),
    });
  const [first, repeated] = [contextOf(), contextOf()];
  expect(markReplay({ value: "concert", replayed: false }, first)).toBe("concert");
  expect(markReplay({ value: "concert", replayed: true }, repeated)).toBe("concert");
  expect(first.responseHeader.has("idempotency-replayed")).toBe(false);
  expect(repeated.responseHeader.get("idempotency-replayed")).toBe("true");
});

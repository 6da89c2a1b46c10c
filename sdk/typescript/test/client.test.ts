/** What the client does with answers that the running service gives rarely: Connect's router is the service. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BookingSchema } from "../src/gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../src/gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../src/gen/frontrow/v1/concert_service_pb.ts";
import {
  type ErrorInfoSchema,
  ErrorInfoSchema as infoSchema,
  RetryInfoSchema,
} from "../src/gen/google/rpc/error_details_pb.ts";
import {
  Client,
  type ClientOptions,
  FrontrowError,
  InsufficientTickets,
  Overloaded,
  Unauthenticated,
} from "../src/index.ts";

type Handlers = Partial<ServiceImpl<typeof BookingService>> & Partial<ServiceImpl<typeof ConcertService>>;

function clientOf(handlers: Handlers, options: ClientOptions = {}): Client {
  const transport = createRouterTransport(({ service }) => {
    service(BookingService, handlers);
    service(ConcertService, handlers);
  });
  return new Client("http://localhost", { retry: { initialBackoffMs: 1 }, ...options, transport: () => transport });
}

type Info = MessageInitShape<typeof ErrorInfoSchema>;

function failure(code: Code, info: Info, retryMs?: number): ConnectError {
  const retry = { desc: RetryInfoSchema, value: { retryDelay: { seconds: 0n, nanos: (retryMs ?? 0) * 1_000_000 } } };
  const details = [{ desc: infoSchema, value: { domain: "frontrow", ...info } }];
  return new ConnectError("refused", code, undefined, retryMs === undefined ? details : [...details, retry]);
}

const order = { concertId: 1n, userId: "nora", ticketCount: 1 };
const update = {
  ...{ id: 1n, version: 1, name: "Moonlight", artist: "The Larks", venue: "Old Mill", totalTickets: 1, price: 1 },
  ...{ currencyCode: "EUR", concertDate: new Date(), bookingStartTime: new Date(), bookingEndTime: new Date() },
};

test("has every method of the schema", () => {
  const names = [BookingService, ConcertService].flatMap(({ methods }) => methods.map(({ localName }) => localName));
  expect(names.filter((name) => !(name in Client.prototype))).toEqual([]);
});

describe("an error", () => {
  const errorOf = (info: Info) =>
    clientOf({ bookTickets: () => Promise.reject(failure(Code.FailedPrecondition, info)) })
      .bookTickets(order)
      .catch((error: unknown) => error);

  test("has the class of its reason, with typed metadata", async () => {
    const error = await errorOf({ reason: "INSUFFICIENT_TICKETS", metadata: { available: "3" } });
    expect(error).toBeInstanceOf(InsufficientTickets);
    expect(error).toMatchObject({ name: "InsufficientTickets", available: 3, message: "refused" });
  });

  test("of a reason that this version does not know keeps the reason and the metadata", async () => {
    const error = await errorOf({ reason: "MOON_TOO_BRIGHT", metadata: { lux: "1" } });
    expect(error).toBeInstanceOf(FrontrowError);
    expect(error).toMatchObject({ name: "FrontrowError", reason: "MOON_TOO_BRIGHT", metadata: { lux: "1" } });
  });

  test.each([{}, { available: "" }, { available: "many" }])(
    "with the metadata %o keeps its reason only",
    async (metadata) => {
      const error = await errorOf({ reason: "INSUFFICIENT_TICKETS", metadata });
      expect(error).not.toBeInstanceOf(InsufficientTickets);
      expect(error).toMatchObject({ name: "FrontrowError", reason: "INSUFFICIENT_TICKETS" });
    },
  );
});

describe("a repetition", () => {
  test("has the key of the first attempt, and the next call has another one", async () => {
    const keys: string[] = [];
    const client = clientOf({
      bookTickets({ requestId }) {
        keys.push(requestId);
        if (keys.length < 3) throw new ConnectError("gone", Code.Unavailable);
        return create(BookingSchema);
      },
    });
    await client.bookTickets(order);
    expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(keys).toEqual([keys[0], keys[0], keys[0]]);
    await client.bookTickets(order);
    expect(keys[3]).not.toBe(keys[0]);
  });

  test("follows the end of a connection that cancels the call", async () => {
    let attempts = 0;
    const client = clientOf({
      getBooking() {
        attempts += 1;
        if (attempts === 1) throw new ConnectError("stream closed", Code.Canceled);
        return create(BookingSchema);
      },
    });
    await client.getBooking(1n);
    expect(attempts).toBe(2);
  });

  test("ends after four attempts with the last error", async () => {
    let attempts = 0;
    const client = clientOf({
      getConcert() {
        attempts += 1;
        throw failure(Code.Unavailable, { reason: "OVERLOADED" }, 1);
      },
    });
    await expect(client.getConcert(1n)).rejects.toBeInstanceOf(Overloaded);
    expect(attempts).toBe(4);
  });

  test.each([
    { name: "does not happen for an update that may be stored", retryMs: undefined, expected: 1 },
    { name: "happens for an update that the service wants repeated", retryMs: 1, expected: 4 },
  ])("$name", async ({ retryMs, expected }) => {
    let attempts = 0;
    const client = clientOf({
      updateConcert() {
        attempts += 1;
        throw failure(Code.Unavailable, { reason: "OVERLOADED" }, retryMs);
      },
    });
    await expect(client.updateConcert(update)).rejects.toBeInstanceOf(Overloaded);
    expect(attempts).toBe(expected);
  });

  test("after a delay beyond the deadline does not happen", async () => {
    let attempts = 0;
    const client = clientOf({
      getConcert() {
        attempts += 1;
        throw failure(Code.Unavailable, { reason: "OVERLOADED" }, 900);
      },
    });
    await expect(client.getConcert(1n, { timeoutMs: 500 })).rejects.toMatchObject({ retryDelayMs: 900 });
    expect(attempts).toBe(1);
  });
});

test("a call that is cancelled while it waits for its next attempt rejects with the signal's reason", async () => {
  const attempted = Promise.withResolvers<void>();
  const client = clientOf({
    getConcert() {
      attempted.resolve();
      throw failure(Code.Unavailable, { reason: "OVERLOADED" }, 900);
    },
  });
  const controller = new AbortController();
  const call = client.getConcert(1n, { signal: controller.signal });
  const rejected = expect(call).rejects.toThrow("the customer left");
  await attempted.promise;
  controller.abort(new Error("the customer left"));
  await rejected;
});

describe("a token source", () => {
  test("that fails fails the call with its error, and is called again by the next call", async () => {
    let calls = 0;
    const token = () => {
      calls += 1;
      if (calls === 1) throw new TypeError("no network");
      return "token";
    };
    const client = clientOf({ getBooking: () => create(BookingSchema) }, { token });
    await expect(client.getBooking(1n)).rejects.toThrow("no network");
    await client.getBooking(1n);
    expect(calls).toBe(2);
  });

  test.each(["", "to ken", "token\n", "tökén"])(
    "that returns %o fails the call without the token in its error",
    async (text) => {
      const call = clientOf({}, { token: () => text }).getBooking(1n);
      await expect(call).rejects.toThrow("the token is empty or has characters that no token has");
    },
  );

  test("is waited for without a limit by a call without a deadline", async () => {
    const client = clientOf({ getBooking: () => create(BookingSchema) }, { token: async () => "token" });
    await client.getBooking(1n, { timeoutMs: Number.POSITIVE_INFINITY });
  });

  test("that does not end is bounded by the call's deadline", async () => {
    const client = clientOf({}, { token: () => new Promise<string>(() => {}), timeoutMs: 20 });
    await expect(client.getBooking(1n)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("is not called again by a call whose new token is refused as well", async () => {
    let calls = 0;
    const handlers = { getBooking: () => Promise.reject(failure(Code.Unauthenticated, { reason: "UNAUTHENTICATED" })) };
    const client = clientOf(handlers, { token: () => `token-${++calls}` });
    await expect(client.getBooking(1n)).rejects.toBeInstanceOf(Unauthenticated);
    expect(calls).toBe(2);
  });
});

test("an iterator fetches a page when its first item is needed", async () => {
  let pages = 0;
  const client = clientOf({
    getUserBookings({ pageToken }) {
      pages += 1;
      // A page without bookings is not the end.
      if (pageToken === "empty") return { bookings: [], nextPageToken: "last" };
      return { bookings: [{ id: BigInt(pages) }], nextPageToken: pageToken === "last" ? "" : "empty" };
    },
  });
  const bookings = client.userBookings();
  expect(pages).toBe(0);
  expect((await bookings.next()).value?.id).toBe(1n);
  expect(pages).toBe(1);
  expect((await bookings.next()).value?.id).toBe(3n);
  expect((await bookings.next()).done).toBe(true);
});

test.each(["127.0.0.1:8080", "localhost:8080", "ftp://localhost", "http://localhost/api", "http://user@localhost", ""])(
  "the address %o is refused",
  (address) => {
    expect(() => new Client(address)).toThrow("the address must be a URL");
  },
);

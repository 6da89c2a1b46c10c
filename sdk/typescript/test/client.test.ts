/** What the client does with answers that the running service gives rarely. */
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BookingService } from "../src/gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../src/gen/frontrow/v1/concert_service_pb.ts";
import {
  BookingSchema,
  BookingStatus,
  Client,
  FrontrowError,
  InsufficientTickets,
  Overloaded,
  toJson,
  Unreachable,
} from "../src/index.ts";
import { clientOf, failure, type Info, order, update } from "./router.ts";

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

  test.each(["MOON_TOO_BRIGHT", "constructor"])(
    "of the reason %s, which this version does not know, keeps the reason and the metadata",
    async (reason) => {
      const error = await errorOf({ reason, metadata: { lux: "1" } });
      expect(error).toBeInstanceOf(FrontrowError);
      expect(error).toMatchObject({ name: "FrontrowError", reason, metadata: { lux: "1" } });
    },
  );

  test.each([{}, { available: "" }, { available: "many" }, { available: "0x10" }, { available: "1e3" }])(
    "with the metadata %o keeps its reason only",
    async (metadata) => {
      const error = await errorOf({ reason: "INSUFFICIENT_TICKETS", metadata });
      expect(error).not.toBeInstanceOf(InsufficientTickets);
      expect(error).toMatchObject({ name: "FrontrowError", reason: "INSUFFICIENT_TICKETS" });
    },
  );
});

describe("an error without a reason of Frontrow", () => {
  const errorOf = (error: ConnectError) =>
    clientOf({ updateConcert: () => Promise.reject(error) })
      .updateConcert(update)
      .catch((thrown: unknown) => thrown);

  test.each([
    [Code.Unimplemented, "what", "UNIMPLEMENTED"],
    [Code.Unauthenticated, "HTTP 401", "UNAUTHENTICATED"],
    [Code.Unknown, "what", "UNKNOWN"],
    [Code.Canceled, "what", "UNAVAILABLE"],
    [Code.Internal, "HTTP 400", "INTERNAL"],
    [Code.Internal, "http/2 stream closed with error code INTERNAL_ERROR (0x2)", "UNAVAILABLE"],
  ])("with the code %i and the message %s is Unreachable with the code %s", async (code, message, expected) => {
    const error = await errorOf(new ConnectError(message, code, { "x-request-id": "7" }));
    expect(error).toBeInstanceOf(Unreachable);
    expect(error).toMatchObject({ code: expected, reason: undefined, requestId: "7" });
    expect((error as Error).message).toContain("http://localhost");
  });

  test("has no delay: another service does not know what is safe to repeat in this one", async () => {
    const foreign = failure(Code.Unavailable, { reason: "OVERLOADED", domain: "proxy.example" }, 1);
    expect(await errorOf(foreign)).toMatchObject({ name: "Unreachable", retryDelayMs: undefined });
  });
});

describe("a repetition", () => {
  test("follows the end of a stream", async () => {
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

test("a page that names itself as the next one ends the iteration with an error", async () => {
  const client = clientOf({ getUserBookings: () => ({ bookings: [], nextPageToken: "again" }) });
  await expect(client.userBookings().next()).rejects.toMatchObject({ code: "INTERNAL" });
});

test.each([
  ...["127.0.0.1:8080", "localhost:8080", "ftp://localhost", "http://localhost/api", "http://user@localhost", ""],
  ...["http://localhost:0", "http://localhost:65536", " http://localhost", "http://localhost\n"],
])("the address %o is refused", (address) => {
  expect(() => new Client(address)).toThrow("the address must be a URL");
});

test("the message about an address does not have it: it may have a password", () => {
  expect(() => new Client("http://user:secret@localhost")).toThrow(/^(?!.*secret)/);
});

test("a booking as JSON has its id as a text, its times as texts and its status by name", () => {
  const bookingTime = timestampFromDate(new Date("2026-11-30T18:00:00Z"));
  const booking = create(BookingSchema, { id: 2n ** 60n, status: BookingStatus.HELD, bookingTime });
  expect(toJson(BookingSchema, booking)).toMatchObject({
    ...{ id: "1152921504606846976", bookingTime: "2026-11-30T18:00:00Z", status: "BOOKING_STATUS_HELD" },
  });
});

import { randomUUID } from "node:crypto";
import { type DescMethodUnary, type MessageInitShape, type MessageShape, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { callOnce, type Exchange } from "./support/exchange.ts";
import { createMatrix, protocolsOf } from "./support/matrix.ts";
import type { CallOptions, Protocol } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";
import {
  createStage,
  moonlight,
  moonlightJson,
  type Stage,
  timestamp,
  timestampJson,
  userId,
} from "./support/stage.ts";

/** An answer as it should be, in JSON as REST writes it. */
interface Expected {
  readonly body: unknown;
  /** The URL path of what was created. */
  readonly location?: string;
  readonly replayed?: boolean;
}

type Call<Method extends DescMethodUnary> = (
  request: MessageInitShape<Method["input"]>,
  check: (message: MessageShape<Method["output"]>) => Promise<Expected> | Expected,
  options?: CallOptions,
) => Promise<MessageShape<Method["output"]>>;

interface SuccessCase {
  readonly method: DescMethodUnary;
  readonly what: string;
  run(protocol: Protocol, baseUrl: string): Promise<void>;
}

const ports = ["REST port", "gRPC port"] as const;
const matrices = new Map(ports.map((port) => [port, createMatrix()]));
let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService();
  stage = createStage(service.baseUrl);
});
afterAll(() => service.close());

function success<Method extends DescMethodUnary>(
  method: Method,
  what: string,
  steps: (call: Call<Method>, protocol: Protocol) => Promise<unknown>,
): SuccessCase {
  return {
    method,
    what,
    async run(protocol, baseUrl) {
      const call: Call<Method> = async (request, check, options) => {
        const { outcome, exchange } = await callOnce(protocol, baseUrl, method, request, options);
        if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome)}`);
        const { message, replayed } = outcome;
        const expected = await check(message);
        expect(toJson(method.output, message, { useProtoFieldName: true, alwaysEmitImplicit: true })).toEqual(
          expected.body,
        );
        expect(replayed).toBe(expected.replayed ? "true" : undefined);
        if (exchange) expectExchange(protocol, exchange, expected);
        return message;
      };
      await steps(call, protocol);
    },
  };
}

/** What the protocol itself says: HTTP's parts, and JSON as it was sent. */
function expectExchange(
  protocol: Protocol,
  { requestType, status, headers, body, method }: Exchange,
  expected: Expected,
) {
  const { location } = expected;
  const sentType = headers.get("content-type");
  expect(headers.get("idempotency-replayed")).toBe(expected.replayed ? "true" : null);
  if (protocol === "REST") {
    expect(JSON.parse(body)).toEqual(expected.body);
    expect({ status, location: headers.get("location"), sentType }).toEqual({
      status: location ? 201 : 200,
      location: location ?? null,
      sentType: "application/json; charset=utf-8",
    });
    return;
  }
  expect(status).toBe(200);
  if (protocol === "gRPC-Web") {
    expect({ requestType, sentType }).toEqual({
      requestType: "application/grpc-web+proto",
      sentType: "application/grpc-web+proto",
    });
  } else {
    expect(JSON.parse(body)).toEqual(camelCased(expected.body));
    expect(sentType).toBe("application/json");
    expect(method).toBe(protocol === "Connect GET" ? "GET" : "POST");
  }
}

/** ProtoJSON's own names: those of Connect. */
function camelCased(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(camelCased);
  if (typeof json !== "object" || json === null || "asymmetricMatch" in json) return json;
  const camelCase = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [camelCase(name), camelCased(value)]));
}

/** The times that the database has given a row. */
async function storedTimes(table: "concerts" | "bookings", id: bigint) {
  const bookingTime = table === "bookings" ? "booking_time" : "NULL::timestamptz";
  const text = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const [row] = await service.database.query<Record<"created" | "updated" | "booked", string>>(
    `SELECT ${text("created_at")} AS created, ${text("updated_at")} AS updated, ${text(bookingTime)} AS booked
     FROM ${table} WHERE id = $1`,
    [id],
  );
  if (!row) throw new Error(`nothing stored as ${table} ${id}`);
  const times = { created_at: timestampJson(row.created), updated_at: timestampJson(row.updated) };
  return table === "concerts" ? times : { ...times, booking_time: timestampJson(row.booked) };
}

async function concertJson(id: bigint, changes: object = {}) {
  const counts = { available_tickets: 100, version: 1 };
  return { id: String(id), ...moonlightJson, ...counts, ...(await storedTimes("concerts", id)), ...changes };
}

async function bookingJson(id: bigint, concertId: bigint, changes: object = {}) {
  const order = { concert_id: String(concertId), user_id: userId, ticket_count: 2 };
  const prices = { unit_price: 50.25, total_price: 100.5, currency_code: "EUR" };
  const status = "BOOKING_STATUS_CONFIRMED";
  return { id: String(id), ...order, ...prices, status, ...(await storedTimes("bookings", id)), ...changes };
}

const earlier = { concertDate: timestamp("2098-06-01T20:00:00.25Z") };
const dates = { dateFrom: timestamp("2098-06-01T20:00:00.25Z"), dateTo: timestamp("2099-06-01T20:00:00.000001Z") };
const cancelled = { status: "BOOKING_STATUS_CANCELLED" };

/** A request_id where the protocol carries it: REST takes its header as well. */
function keyed(protocol: Protocol, requestId: string): [fields: { requestId?: string }, options: CallOptions] {
  return protocol === "REST" ? [{}, { headers: { "Idempotency-Key": requestId } }] : [{ requestId }, {}];
}

const cases: readonly SuccessCase[] = [
  success(ConcertService.method.getConcert, "a concert that is free and sold out: zeros are written", async (call) => {
    const concert = await stage.concert({ price: 0, totalTickets: 2 });
    await stage.booking(concert);
    const body = await concertJson(concert.id, { price: 0, total_tickets: 2, available_tickets: 0 });
    await call({ id: concert.id }, () => ({ body }));
  }),

  success(
    ConcertService.method.listConcerts,
    "two pages of the concerts that match, then none that do",
    async (call) => {
      const venue = `The ${randomUUID()}`;
      const [second, first] = [await stage.concert({ venue }), await stage.concert({ venue, ...earlier })];
      const bodies = [
        await concertJson(first.id, { venue, concert_date: "2098-06-01T20:00:00.250Z" }),
        await concertJson(second.id, { venue }),
      ];
      const filter = { venue, availableOnly: true, bookingOpenOnly: true, ...dates };
      const page = await call({ ...filter, pageSize: 1 }, () => ({
        body: { concerts: [bodies[0]], next_page_token: expect.stringMatching(/^[\w-]+$/) },
      }));
      const { nextPageToken: pageToken } = page;
      await call({ ...filter, pageToken }, () => ({ body: { concerts: [bodies[1]], next_page_token: "" } }));
      await call({ venue: `not ${venue}` }, () => ({ body: { concerts: [], next_page_token: "" } }));
    },
  ),

  success(ConcertService.method.createConcert, "a concert, and the same again by its key", async (call, protocol) => {
    const [key, options] = keyed(protocol, randomUUID());
    const created = await call(
      { ...moonlight, ...key },
      async ({ id }) => ({ body: await concertJson(id), location: `/api/v1/concerts/${id}` }),
      options,
    );
    await stage.booking(created);
    const body = await concertJson(created.id, { available_tickets: 98 });
    const replay = { body, location: `/api/v1/concerts/${created.id}`, replayed: true };
    await call({ ...moonlight, ...key }, () => replay, options);
  }),

  success(ConcertService.method.createConcert, "a concert without a currency: dollars", async (call) => {
    await call({ ...moonlight, currencyCode: "" }, async ({ id }) => ({
      body: await concertJson(id, { currency_code: "USD" }),
      location: `/api/v1/concerts/${id}`,
    }));
  }),

  success(ConcertService.method.updateConcert, "the whole description, with its next version", async (call) => {
    const concert = await stage.concert();
    await stage.booking(concert);
    const changes = { name: "Daybreak", totalTickets: 90, price: 0.29, currencyCode: "USD" };
    await call({ ...moonlight, ...changes, id: concert.id, version: 1 }, async () => ({
      body: await concertJson(concert.id, {
        name: "Daybreak",
        price: 0.29,
        currency_code: "USD",
        total_tickets: 90,
        available_tickets: 88,
        version: 2,
      }),
    }));
  }),

  success(BookingService.method.getBooking, "a booking at the price it was sold at", async (call) => {
    const concert = await stage.concert({ price: 0 });
    const { id } = await stage.booking(concert);
    const body = await bookingJson(id, concert.id, { unit_price: 0, total_price: 0 });
    await call({ id }, () => ({ body }));
  }),

  success(
    BookingService.method.getUserBookings,
    "two pages, the newest first, then a stranger's none",
    async (call) => {
      const user_id = `user ${randomUUID()}`;
      const concert = await stage.concert();
      const older = await stage.cancel(await stage.booking(concert, { userId: user_id }));
      const newer = await stage.booking(concert, { userId: user_id });
      const bodies = [
        await bookingJson(newer.id, concert.id, { user_id }),
        await bookingJson(older.id, concert.id, { user_id, ...cancelled }),
      ];
      const page = await call({ userId: user_id, pageSize: 1 }, () => ({
        body: { bookings: [bodies[0]], next_page_token: expect.stringMatching(/^[\w-]+$/) },
      }));
      const { nextPageToken: pageToken } = page;
      await call({ userId: user_id, pageToken }, () => ({ body: { bookings: [bodies[1]], next_page_token: "" } }));
      await call({ userId: randomUUID() }, () => ({ body: { bookings: [], next_page_token: "" } }));
    },
  ),

  success(BookingService.method.bookTickets, "a booking, and the same again by its key", async (call, protocol) => {
    const concert = await stage.concert({ totalTickets: 2 });
    const [key, options] = keyed(protocol, randomUUID());
    const order = { concertId: concert.id, userId, ticketCount: 2, ...key };
    const check = async ({ id }: { id: bigint }) => ({
      body: await bookingJson(id, concert.id),
      location: `/api/v1/bookings/${id}`,
    });
    const booking = await call(order, check, options);
    await stage.cancel(booking);
    const body = await bookingJson(booking.id, concert.id, cancelled);
    await call(order, async () => ({ ...(await check(booking)), body, replayed: true }), options);
  }),

  success(
    BookingService.method.cancelBooking,
    "a cancellation, and the same again by its key",
    async (call, protocol) => {
      const concert = await stage.concert();
      const { id } = await stage.booking(concert);
      const [key, options] = keyed(protocol, randomUUID());
      const check = async () => ({ body: await bookingJson(id, concert.id, cancelled) });
      await call({ id, userId, ...key }, check, options);
      await call({ id, userId, ...key }, async () => ({ ...(await check()), replayed: true }), options);
      const [stored] = await service.database.query("SELECT available_tickets FROM concerts WHERE id = $1", [
        concert.id,
      ]);
      expect(stored).toEqual({ available_tickets: 100 });
    },
  ),
];

describe.each(ports)("on the %s", (port) => {
  for (const { method, what, run } of cases) {
    describe(`${method.name} answers ${what}`, () => {
      it.each(protocolsOf(method))("by %s", async (protocol) => {
        await run(protocol, port === "REST port" ? service.baseUrl : service.grpcUrl);
        matrices.get(port)?.fill(method, protocol, "success");
      });
    });
  }

  it("has seen every method succeed by every protocol", () => {
    matrices.get(port)?.expectComplete(() => ["success"]);
  });
});

it("keeps what every commit must keep", () => service.database.checkInvariants());

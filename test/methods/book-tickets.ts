import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { orderRefusals } from "../support/scenario/holds.ts";
import type { Caller, Word } from "../support/scenario/permissions.ts";
import {
  atMost,
  between,
  breaks,
  idCases,
  notPositive,
  notUuid,
  requestIdCases,
  requestIdPolicies,
  userIdCases,
  userIdPolicies,
} from "../support/scenario/rules.ts";
import {
  defineScenario,
  type Found,
  failedPrecondition,
  invalid,
  invalidArgument,
  keyed,
  notFound,
  unusedId,
} from "../support/scenario/scenario.ts";
import { bookingJson } from "../support/scenario/stored-json.ts";
import { userId } from "../support/service/stage.ts";

/** A booking for a user. An empty user is the caller. */
const bookingFor = (what: string, userId: string, answers: Readonly<Record<Caller, Word>>) => ({
  what,
  answers,
  request: ({ concert }: Found) => ({ concertId: concert.id, userId, ticketCount: 1 }),
  check: (booking: { userId: string }, caller: string) => expect(booking.userId).toBe(userId || caller),
});

const reused = "this request_id was used before with other content; use a new one for a new request";
const astralUser = "🎸".repeat(255);
const quotedUser = `o'neill" OR 1=1 --`;

export const scenario = defineScenario(BookingService.method.bookTickets, {
  rest: (body) => ({ method: "POST", path: "/api/v1/bookings", body }),
  right: ({ concert }) => ({ concertId: concert.id, userId, ticketCount: 1 }),

  successes: [
    {
      what: "returns a booking, and the same booking when its request_id is repeated after a cancellation",
      async run(call, { stage, database, protocol }) {
        const concert = await stage.concert({ totalTickets: 2 });
        const [key, options] = keyed(protocol, randomUUID());
        const order = { concertId: concert.id, userId, ticketCount: 2, ...key };
        const expected = async ({ id }: { id: bigint }) => ({
          body: await bookingJson(database, id, concert.id),
          location: `/api/v1/bookings/${id}`,
        });
        const booking = await call(order, expected, options);
        await stage.cancel(booking);
        const body = await bookingJson(database, booking.id, concert.id, { status: "BOOKING_STATUS_CANCELLED" });
        await call(order, async () => ({ ...(await expected(booking)), body, replayed: true }), options);
      },
    },
  ],

  refusals: [
    {
      reason: "CONCERT_NOT_FOUND",
      answer: notFound,
      when: "the concert does not exist",
      arrange: () => ({
        request: { concertId: unusedId, userId, ticketCount: 1 },
        message: `there is no concert ${unusedId}`,
      }),
    },
    ...orderRefusals,
    {
      reason: "PAYMENT_REQUIRED",
      answer: failedPrecondition,
      when: "the concert requires payment",
      async arrange({ stage }) {
        const { id: concertId } = await stage.concert({ requiresPayment: true });
        return {
          request: { concertId, userId, ticketCount: 1 },
          message: "the concert requires payment: hold its tickets by HoldTickets, then confirm the hold",
        };
      },
    },
    {
      reason: "REQUEST_ID_REUSED",
      answer: invalidArgument,
      when: "the request_id was used for another number of tickets",
      async arrange({ stage }) {
        const requestId = randomUUID();
        const concert = await stage.concert();
        await stage.booking(concert, { requestId, ticketCount: 1 });
        return {
          request: { concertId: concert.id, userId, ticketCount: 2, requestId },
          message: reused,
        };
      },
    },
    {
      reason: "REQUEST_ID_REUSED",
      answer: invalidArgument,
      when: "the request_id was used to hold as many tickets",
      async arrange({ stage }) {
        const requestId = randomUUID();
        const concert = await stage.concert();
        await stage.hold(concert, { requestId, ticketCount: 1 });
        return { request: { concertId: concert.id, userId, ticketCount: 1, requestId }, message: reused };
      },
    },
    {
      reason: "REQUEST_ID_REUSED",
      answer: invalidArgument,
      when: "the request_id was used for a hold that is confirmed",
      async arrange({ stage }) {
        const requestId = randomUUID();
        const concert = await stage.concert();
        const { id } = await stage.hold(concert, { requestId, ticketCount: 1 });
        await stage.call(BookingService.method.confirmHold, { id, userId });
        return { request: { concertId: concert.id, userId, ticketCount: 1, requestId }, message: reused };
      },
    },
    invalid(
      "every field breaks a rule",
      { requestId: "42", concertId: -1n, userId: "u".repeat(256), ticketCount: 101 },
      [
        ["request_id", notUuid],
        ["concert_id", notPositive],
        ["user_id", atMost(255)],
        ["ticket_count", between("1", "100")],
      ],
    ),
    invalid("the user is missing", { concertId: 1n, ticketCount: 1 }, [["user_id", "is required"]]),
  ],

  permissions: [
    bookingFor("for the caller", "", {
      ...{ anonymous: "token", nora: "ok", otto: "ok", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    bookingFor("for nora", "nora", {
      ...{ anonymous: "token", nora: "ok", otto: "admin", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    bookingFor("for otto", "otto", {
      ...{ anonymous: "token", nora: "admin", otto: "ok", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "admin", shop: "write" },
    }),
  ],

  rules: [
    ...requestIdCases(),
    ...idCases("concert_id"),
    ...userIdCases(),
    breaks("ticket_count", "int32.gte", 0, between("1", "100")),
    breaks("ticket_count", "int32.gte", -5, between("1", "100")),
    breaks("ticket_count", "int32.lte", 101, between("1", "100")),
  ],
  policies: [...userIdPolicies(), ...requestIdPolicies()],
  accepts: [
    ["a hundred tickets", { ticket_count: 100 }, { ticket_count: 100, total_price: 5_025 }],
    ["a user of 255 characters", { user_id: astralUser }, { user_id: astralUser }],
    ["a user with quotes", { user_id: quotedUser }, { user_id: quotedUser }],
    ["an empty request_id", { request_id: "" }, { user_id: "nora" }],
  ],
  variations: { user_id: ["nora", "nick"], ticket_count: [1, 2, 5, 10] },
});

import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ticketsOf } from "../support/database/holds.ts";
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
  ttlCases,
  ttlPolicies,
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

const { releaseHold } = BookingService.method;

/** A hold for a user. An empty user is the caller. Each is of a new concert: a user may have one hold of a concert. */
const holdFor = (what: string, userId: string, answers: Readonly<Record<Caller, Word>>) => ({
  what,
  answers,
  request: async ({ stage }: Found) => ({ concertId: (await stage.concert()).id, userId, ticketCount: 1 }),
  check: (hold: object, caller: string) =>
    expect(hold).toMatchObject({ userId: userId || caller, status: BookingStatus.HELD }),
});

const reused = "this request_id was used before with other content; use a new one for a new request";
const held = { status: "BOOKING_STATUS_HELD" };

export const scenario = defineScenario(BookingService.method.holdTickets, {
  rest: (body) => ({ method: "POST", path: "/api/v1/holds", body }),
  right: ({ concert }) => ({ concertId: concert.id, userId, ticketCount: 1 }),

  successes: [
    {
      what: "returns a hold, and the same one when its request_id is repeated with another ttl after its release",
      async run(call, { stage, database, protocol }) {
        const concert = await stage.concert({ totalTickets: 2 });
        const [key, options] = keyed(protocol, randomUUID());
        const order = { concertId: concert.id, userId, ticketCount: 2, ...key };
        const expected = async ({ id }: { id: bigint }, changes: object) => ({
          body: await bookingJson(database, id, concert.id, changes),
          location: `/api/v1/bookings/${id}`,
        });
        const hold = await call(order, (hold) => expected(hold, held), options);
        expect(await ticketsOf(database, concert)).toEqual({ available: 0, held: 2 });
        await stage.call(releaseHold, { id: hold.id, userId });
        const released = async () => ({
          ...(await expected(hold, { status: "BOOKING_STATUS_RELEASED" })),
          replayed: true,
        });
        await call({ ...order, ttl: { seconds: 20n } }, released, options);
        expect(await ticketsOf(database, concert)).toEqual({ available: 2, held: 0 });
      },
    },
    {
      what: "lets a hold live for its ttl, or for the ten minutes of the operator",
      async run(call, { stage, database }) {
        const lifetimes = [
          [undefined, "10 minutes"],
          [{ seconds: 90n, nanos: 250_000_000 }, "90.25 seconds"],
          [{ seconds: 2_100n }, "35 minutes"],
        ] as const;
        for (const [ttl, interval] of lifetimes) {
          const { id: concertId } = await stage.concert();
          const order = { concertId, userId, ticketCount: 2, ...(ttl && { ttl }) };
          const { id } = await call(order, async ({ id }) => ({
            body: await bookingJson(database, id, concertId, held),
            location: `/api/v1/bookings/${id}`,
          }));
          const [stored] = await database.query(
            "SELECT hold_expires_time = booking_time + $2::interval AS lives FROM bookings WHERE id = $1",
            [id, interval],
          );
          expect(stored).toEqual({ lives: true });
        }
      },
    },
    {
      what: "holds tickets of a concert that requires payment",
      async run(call, { stage, database }) {
        const concert = await stage.concert({ requiresPayment: true });
        await call({ concertId: concert.id, userId, ticketCount: 2 }, async ({ id }) => ({
          body: await bookingJson(database, id, concert.id, held),
          location: `/api/v1/bookings/${id}`,
        }));
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
      reason: "HOLD_LIMIT_EXCEEDED",
      answer: failedPrecondition,
      when: "the user has two holds of the concert",
      async arrange({ stage }) {
        const concert = await stage.concert();
        for (const _ of [1, 2]) await stage.hold(concert);
        return {
          request: { concertId: concert.id, userId, ticketCount: 1 },
          message: "one user can have at most 2 holds of the concert; confirm or release one first",
          metadata: { limit: "2" },
        };
      },
    },
    {
      reason: "REQUEST_ID_REUSED",
      answer: invalidArgument,
      when: "the request_id was used to hold another number of tickets",
      async arrange({ stage }) {
        const requestId = randomUUID();
        const concert = await stage.concert();
        await stage.hold(concert, { requestId, ticketCount: 1 });
        return { request: { concertId: concert.id, userId, ticketCount: 2, requestId }, message: reused };
      },
    },
    {
      reason: "REQUEST_ID_REUSED",
      answer: invalidArgument,
      when: "the request_id was used to book as many tickets",
      async arrange({ stage }) {
        const requestId = randomUUID();
        const concert = await stage.concert();
        await stage.booking(concert, { requestId, ticketCount: 1 });
        return { request: { concertId: concert.id, userId, ticketCount: 1, requestId }, message: reused };
      },
    },
    invalid(
      "every field breaks a rule",
      {
        ...{ requestId: "42", concertId: -1n, userId: "u".repeat(256), ticketCount: 101 },
        ttl: { seconds: 86_400n, nanos: 1 },
      },
      [
        ["request_id", notUuid],
        ["concert_id", notPositive],
        ["user_id", atMost(255)],
        ["ticket_count", between("1", "100")],
        ["ttl", between("1s", "86400s")],
      ],
    ),
    invalid("the user is missing", { concertId: 1n, ticketCount: 1 }, [["user_id", "is required"]]),
  ],

  permissions: [
    holdFor("for the caller", "", {
      ...{ anonymous: "token", nora: "ok", otto: "ok", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    holdFor("for nora", "nora", {
      ...{ anonymous: "token", nora: "ok", otto: "admin", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    holdFor("for otto", "otto", {
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
    ...ttlCases(),
  ],
  policies: [...userIdPolicies(), ...requestIdPolicies(), ...ttlPolicies()],
  accepts: [
    ["a hundred tickets", { ticket_count: 100 }, { ticket_count: 100, total_price: 5_025, ...held }],
    ["a ttl of a second", { ttl: "1s" }, { ticket_count: 1, hold_expires_time: expect.any(String) }],
    ["a ttl of a second and a nanosecond", { ttl: "1.000000001s" }, { hold_expires_time: expect.any(String) }],
    ["the longest ttl that the operator allows", { ttl: "2100s" }, held],
    ["a user of 255 characters", { user_id: "🎸".repeat(255) }, { user_id: "🎸".repeat(255) }],
    ["an empty request_id", { request_id: "" }, { user_id: "nora", ...held }],
  ],
  variations: {
    user_id: ["nora", "nick"],
    ticket_count: [1, 2, 5, 10],
    ttl: ["1s", "1.5s", "60s", "600.000000001s", "2100s"],
  },
});

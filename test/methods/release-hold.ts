import { expect } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { makeDue, ticketsOf } from "../support/database/holds.ts";
import { expire, refusedStates } from "../support/scenario/holds.ts";
import type { Caller, Word } from "../support/scenario/permissions.ts";
import { atMost, idCases, notPositive, userIdCases, userIdPolicies } from "../support/scenario/rules.ts";
import {
  defineScenario,
  type Found,
  invalid,
  notFound,
  permissionDenied,
  unusedId,
} from "../support/scenario/scenario.ts";
import { bookingJson } from "../support/scenario/stored-json.ts";
import { userId } from "../support/service/stage.ts";

/** A release of a hold of nora's, with a user in the request. An empty user is the caller. */
const releaseFor = (what: string, userId: string, answers: Readonly<Record<Caller, Word>>) => ({
  what,
  answers,
  request: async ({ stage }: Found) => ({ id: (await stage.hold(await stage.concert())).id, userId }),
  check: (booking: object) => expect(booking).toMatchObject({ userId: "nora", status: BookingStatus.RELEASED }),
});

export const scenario = defineScenario(BookingService.method.releaseHold, {
  rest: ({ id, ...body }) => ({ method: "POST", path: `/api/v1/bookings/${id}/release`, body }),
  right: ({ hold }) => ({ id: hold.id, userId: hold.userId }),

  successes: [
    {
      what: "returns the released hold, again when it is repeated, and its tickets once",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const { id } = await stage.hold(concert);
        const body = () => bookingJson(database, id, concert.id, { status: "BOOKING_STATUS_RELEASED" });
        await call({ id, userId }, async () => ({ body: await body() }));
        await call({ id, userId }, async () => ({ body: await body(), replayed: true }));
        expect(await ticketsOf(database, concert)).toEqual({ available: 100, held: 0 });
      },
    },
    {
      what: "returns a hold that has expired, or is due, as an expired one",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const expired = await expire({ stage, database }, await stage.hold(concert));
        const due = await stage.hold(concert);
        await makeDue(database, due);
        for (const { id } of [expired, due]) {
          const body = () => bookingJson(database, id, concert.id, { status: "BOOKING_STATUS_EXPIRED" });
          await call({ id, userId }, async () => ({ body: await body(), replayed: true }));
        }
        expect(await ticketsOf(database, concert)).toEqual({ available: 100, held: 0 });
      },
    },
  ],

  refusals: [
    {
      reason: "BOOKING_NOT_FOUND",
      answer: notFound,
      when: "the booking does not exist",
      arrange: () => ({ request: { id: unusedId, userId }, message: `there is no booking ${unusedId}` }),
    },
    {
      reason: "NOT_BOOKING_OWNER",
      answer: permissionDenied,
      when: "the hold is another user's",
      async arrange({ stage }) {
        const { id } = await stage.hold(await stage.concert());
        return { request: { id, userId: "a stranger" }, message: `booking ${id} belongs to another user` };
      },
    },
    ...refusedStates(({ id }) => ({ id, userId }), ["BOOKING_STATUS_CONFIRMED", "BOOKING_STATUS_CANCELLED"]),
    invalid("the id and the user break rules", { id: -1n, userId: "u".repeat(256) }, [
      ["id", notPositive],
      ["user_id", atMost(255)],
    ]),
    invalid("the user is missing", { id: 1n }, [["user_id", "is required"]]),
  ],

  permissions: [
    releaseFor("without a user", "", {
      ...{ anonymous: "token", nora: "ok", otto: "owner", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    releaseFor("for nora", "nora", {
      ...{ anonymous: "token", nora: "ok", otto: "admin", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    releaseFor("for otto", "otto", {
      ...{ anonymous: "token", nora: "admin", otto: "owner", organizer: "write" },
      ...{ admin: "owner", reader: "write", writer: "admin", shop: "write" },
    }),
    {
      what: "of a booking that does not exist",
      answers: {
        ...{ anonymous: "token", nora: "gone", otto: "gone", organizer: "write" },
        ...{ admin: "gone", reader: "write", writer: "gone", shop: "write" },
      },
      request: () => ({ id: unusedId }),
      check: () => expect.unreachable(),
    },
  ],

  rules: [...idCases(), ...userIdCases()],
  policies: userIdPolicies(),
});

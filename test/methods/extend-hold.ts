import { expect } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { makeDue, ticketsOf } from "../support/database/holds.ts";
import { endOf, expire, refusedStates } from "../support/scenario/holds.ts";
import type { Caller, Word } from "../support/scenario/permissions.ts";
import {
  atMost,
  between,
  breaks,
  idCases,
  notPositive,
  required,
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
  notFound,
  permissionDenied,
  type Scene,
  unusedId,
} from "../support/scenario/scenario.ts";
import { bookingJson } from "../support/scenario/stored-json.ts";
import { userId } from "../support/service/stage.ts";

const ttl = { seconds: 1_200n };
const held = { status: "BOOKING_STATUS_HELD" };

/** An extension of a hold of nora's, with a user in the request. An empty user is the caller. */
const extendFor = (what: string, userId: string, answers: Readonly<Record<Caller, Word>>) => ({
  what,
  answers,
  request: async ({ stage }: Found) => ({ id: (await stage.hold(await stage.concert())).id, userId, ttl }),
  check: (booking: object) => expect(booking).toMatchObject({ userId: "nora", status: BookingStatus.HELD }),
});

const ended = (when: string, end: (scene: Scene, hold: Parameters<typeof expire>[1]) => Promise<unknown>) => ({
  reason: "HOLD_EXPIRED",
  answer: failedPrecondition,
  when,
  async arrange(scene: Scene) {
    const hold = await scene.stage.hold(await scene.stage.concert());
    await end(scene, hold);
    const expiredAt = await endOf(scene.database, hold);
    return {
      request: { id: hold.id, userId, ttl },
      message: `the hold lived until ${expiredAt}; the concert has 100 tickets left`,
      metadata: { expired_at: expiredAt, available: "100" },
    };
  },
});

export const scenario = defineScenario(BookingService.method.extendHold, {
  rest: ({ id, ...body }) => ({ method: "POST", path: `/api/v1/bookings/${id}/extend`, body }),
  right: ({ hold }) => ({ id: hold.id, userId: hold.userId, ttl }),

  successes: [
    {
      what: "moves a hold's end to the ttl from now, and never back",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const { id } = await stage.hold(concert);
        const body = () => bookingJson(database, id, concert.id, held);
        await call({ id, userId, ttl }, async () => ({ body: await body() }));
        const [stored] = await database.query(
          "SELECT hold_expires_time = updated_at + interval '20 minutes' AS lives FROM bookings WHERE id = $1",
          [id],
        );
        expect(stored).toEqual({ lives: true });
        await call({ id, userId, ttl: { seconds: 60n } }, async () => ({ body: await body(), replayed: true }));
        expect(await ticketsOf(database, concert)).toEqual({ available: 98, held: 2 });
      },
    },
    {
      what: "does not move a hold's end beyond an hour from its beginning",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const { id } = await stage.hold(concert);
        await database.query("UPDATE bookings SET created_at = created_at - interval '45 minutes' WHERE id = $1", [id]);
        const body = () => bookingJson(database, id, concert.id, held);
        await call({ id, userId, ttl }, async () => ({ body: await body() }));
        const [stored] = await database.query(
          "SELECT hold_expires_time = created_at + interval '1 hour' AS lives FROM bookings WHERE id = $1",
          [id],
        );
        expect(stored).toEqual({ lives: true });
        await call({ id, userId, ttl }, async () => ({ body: await body(), replayed: true }));
      },
    },
  ],

  refusals: [
    {
      reason: "BOOKING_NOT_FOUND",
      answer: notFound,
      when: "the booking does not exist",
      arrange: () => ({ request: { id: unusedId, userId, ttl }, message: `there is no booking ${unusedId}` }),
    },
    {
      reason: "NOT_BOOKING_OWNER",
      answer: permissionDenied,
      when: "the hold is another user's",
      async arrange({ stage }) {
        const { id } = await stage.hold(await stage.concert());
        return { request: { id, userId: "a stranger", ttl }, message: `booking ${id} belongs to another user` };
      },
    },
    ended("the hold is due", ({ database }, hold) => makeDue(database, hold)),
    ended("the hold has expired", (scene, hold) => expire(scene, hold)),
    ...refusedStates(
      ({ id }) => ({ id, userId, ttl }),
      ["BOOKING_STATUS_CONFIRMED", "BOOKING_STATUS_CANCELLED", "BOOKING_STATUS_RELEASED"],
    ),
    invalid("every field breaks a rule", { id: -1n, userId: "u".repeat(256), ttl: { nanos: 999_999_999 } }, [
      ["id", notPositive],
      ["user_id", atMost(255)],
      ["ttl", between("1s", "86400s")],
    ]),
    invalid("the ttl is missing", { id: 1n, userId }, [["ttl", required]]),
    invalid("the user is missing", { id: 1n, ttl }, [["user_id", "is required"]]),
  ],

  permissions: [
    extendFor("without a user", "", {
      ...{ anonymous: "token", nora: "ok", otto: "owner", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    extendFor("for nora", "nora", {
      ...{ anonymous: "token", nora: "ok", otto: "admin", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    extendFor("for otto", "otto", {
      ...{ anonymous: "token", nora: "admin", otto: "owner", organizer: "write" },
      ...{ admin: "owner", reader: "write", writer: "admin", shop: "write" },
    }),
    {
      what: "of a booking that does not exist",
      answers: {
        ...{ anonymous: "token", nora: "gone", otto: "gone", organizer: "write" },
        ...{ admin: "gone", reader: "write", writer: "gone", shop: "write" },
      },
      request: () => ({ id: unusedId, ttl }),
      check: () => expect.unreachable(),
    },
  ],

  rules: [...idCases(), ...userIdCases(), ...ttlCases(), breaks("ttl", "required", undefined, required)],
  policies: [...userIdPolicies(), ...ttlPolicies()],
  accepts: [
    ["a ttl of a second", { ttl: "1s" }, held],
    ["a ttl of a fraction of a millisecond", { ttl: "1200.000000001s" }, held],
    ["the longest ttl that the operator allows", { ttl: "2100s" }, held],
  ],
  variations: { ttl: ["1s", "60s", "1200.000000001s", "2100s"] },
});

import { expect } from "vitest";
import { type Booking, BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { makeDue, ticketsOf } from "../support/database/holds.ts";
import { endOf, expire, refusedStates } from "../support/scenario/holds.ts";
import type { Caller, Word } from "../support/scenario/permissions.ts";
import {
  atMost,
  between,
  breaks,
  idCases,
  noNul,
  notPositive,
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
import { moonlight, timestamp, userId } from "../support/service/stage.ts";

const { confirmHold } = BookingService.method;

/** A confirmation of a hold of nora's, with a user in the request. An empty user is the caller. */
const confirmFor = (what: string, userId: string, answers: Readonly<Record<Caller, Word>>) => ({
  what,
  answers,
  request: async ({ stage }: Found) => ({ id: (await stage.hold(await stage.concert())).id, userId }),
  check: expectConfirmed,
});

function expectConfirmed(booking: object): void {
  expect(booking).toMatchObject({ userId: "nora", status: BookingStatus.CONFIRMED });
}

/** The answers to calls that require the scope bookings:confirm, also for a hold of the caller. */
const onlyForShops: Readonly<Record<Caller, Word>> = {
  ...{ anonymous: "token", nora: "confirmOnly", otto: "owner", organizer: "write" },
  ...{ admin: "write", reader: "write", writer: "confirmOnly", shop: "ok" },
};

/** A refusal of a late confirmation of a hold of two tickets, whose concert has as many available as given. */
const tooLate = (when: string, available: number, end: (scene: Scene) => Promise<Booking>, acceptLate = true) => ({
  reason: "HOLD_EXPIRED",
  answer: failedPrecondition,
  when,
  async arrange(scene: Scene) {
    const hold = await end(scene);
    const expiredAt = await endOf(scene.database, hold);
    const left = available === 1 ? "1 ticket" : `${available} tickets`;
    return {
      request: { id: hold.id, userId, acceptLate },
      message: `the hold lived until ${expiredAt}; the concert has ${left} left`,
      metadata: { expired_at: expiredAt, available: String(available) },
    };
  },
});

const alreadyConfirmed = (when: string, changes: { ticketCount?: number; paymentReference?: string }) => ({
  reason: "ALREADY_CONFIRMED",
  answer: failedPrecondition,
  when,
  async arrange({ stage }: Scene) {
    const { id } = await stage.hold(await stage.concert());
    await stage.call(confirmHold, { id, userId, ticketCount: 2, paymentReference: "pi_1" });
    return {
      request: { id, userId, paymentReference: "pi_1", ...changes },
      message: `booking ${id} is already confirmed`,
    };
  },
});

const moreThanHeld = (when: string, ticketCount: number, held: number, message: string) => ({
  reason: "MORE_THAN_HELD",
  answer: failedPrecondition,
  when,
  async arrange({ stage }: Scene) {
    const { id } = await stage.hold(await stage.concert(), { ticketCount: held });
    return { request: { id, userId, ticketCount }, message, metadata: { held: String(held) } };
  },
});

export const scenario = defineScenario(confirmHold, {
  rest: ({ id, ...body }) => ({ method: "POST", path: `/api/v1/bookings/${id}/confirm`, body }),
  right: ({ hold }) => ({ id: hold.id, userId: hold.userId }),

  successes: [
    {
      what: "confirms a hold at its price after the booking window has closed, and again when it is repeated",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const { id } = await stage.hold(concert);
        const bookingEndTime = timestamp("2020-05-02T10:00:00Z");
        const description = { ...moonlight, price: 99, bookingEndTime };
        await stage.call(ConcertService.method.updateConcert, { ...description, id: concert.id, version: 1 });
        const body = () => bookingJson(database, id, concert.id, { payment_reference: "pi_1" });
        const request = { id, userId, paymentReference: "pi_1" };
        await call(request, async () => ({ body: await body() }));
        await call(request, async () => ({ body: await body(), replayed: true }));
        await call({ ...request, ticketCount: 2 }, async () => ({ body: await body(), replayed: true }));
        expect(await ticketsOf(database, concert)).toEqual({ available: 98, held: 0 });
      },
    },
    {
      what: "confirms some of the held tickets and puts the others back on sale once",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const { id } = await stage.hold(concert, { ticketCount: 4 });
        const body = () => bookingJson(database, id, concert.id, { ticket_count: 1, total_price: 50.25 });
        await call({ id, userId, ticketCount: 1 }, async () => ({ body: await body() }));
        await call({ id, userId, ticketCount: 1 }, async () => ({ body: await body(), replayed: true }));
        expect(await ticketsOf(database, concert)).toEqual({ available: 99, held: 0 });
      },
    },
    {
      what: "confirms a hold that has expired, or is due, if its tickets are to be had and accept_late is set",
      async run(call, { stage, database }) {
        const concert = await stage.concert({ totalTickets: 2 });
        for (const end of [expire, ({ database }: Pick<Scene, "database">, hold: Booking) => makeDue(database, hold)]) {
          const hold = await stage.hold(concert);
          await end({ stage, database }, hold);
          const request = { id: hold.id, userId, acceptLate: true, paymentReference: "pi_2" };
          const body = () => bookingJson(database, hold.id, concert.id, { payment_reference: "pi_2" });
          const booking = await call(request, async () => ({ body: await body() }));
          expect(await ticketsOf(database, concert)).toEqual({ available: 0, held: 0 });
          await call(request, async () => ({ body: await body(), replayed: true }));
          await stage.cancel(booking);
        }
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
    tooLate(
      "the hold is due",
      100,
      async ({ stage, database }) => {
        const hold = await stage.hold(await stage.concert());
        await makeDue(database, hold);
        return hold;
      },
      false,
    ),
    tooLate(
      "the hold has expired",
      100,
      async (scene) => expire(scene, await scene.stage.hold(await scene.stage.concert())),
      false,
    ),
    tooLate("the hold has expired and its tickets are sold", 0, async (scene) => {
      const concert = await scene.stage.concert({ totalTickets: 2 });
      const hold = await expire(scene, await scene.stage.hold(concert));
      await scene.stage.booking(concert, { userId: "otto" });
      return hold;
    }),
    tooLate("the hold has expired and one of its two tickets is held", 1, async (scene) => {
      const concert = await scene.stage.concert({ totalTickets: 2 });
      const hold = await expire(scene, await scene.stage.hold(concert));
      await scene.stage.hold(concert, { userId: "otto", ticketCount: 1 });
      return hold;
    }),
    tooLate("the hold expired more than a day ago", 100, async (scene) =>
      expire(scene, await scene.stage.hold(await scene.stage.concert()), "24 hours 1 second"),
    ),
    tooLate("the user has reached the limit since the hold expired", 98, async (scene) => {
      const concert = await scene.stage.concert({ maxTicketsPerUser: 3 });
      const hold = await expire(scene, await scene.stage.hold(concert));
      await scene.stage.booking(concert);
      return hold;
    }),
    alreadyConfirmed("the hold is confirmed with another payment_reference", { paymentReference: "pi_2" }),
    alreadyConfirmed("the hold is confirmed with a payment_reference and the request has none", {
      paymentReference: "",
    }),
    alreadyConfirmed("the hold is confirmed for another ticket_count", { ticketCount: 1 }),
    ...refusedStates(
      ({ id }) => ({ id, userId, paymentReference: "pi_1" }),
      ["BOOKING_STATUS_CONFIRMED", "BOOKING_STATUS_CANCELLED", "BOOKING_STATUS_RELEASED"],
    ),
    moreThanHeld("the hold has two tickets and the request is for three", 3, 2, "the hold has only 2 tickets"),
    moreThanHeld("the hold has one ticket and the request is for two", 2, 1, "the hold has only 1 ticket"),
    invalid(
      "every field breaks a rule",
      { id: -1n, userId: "u".repeat(256), ticketCount: 101, paymentReference: "p".repeat(256) },
      [
        ["id", notPositive],
        ["user_id", atMost(255)],
        ["ticket_count", between("0", "100")],
        ["payment_reference", atMost(255)],
      ],
    ),
    invalid("the user is missing", { id: 1n }, [["user_id", "is required"]]),
  ],

  permissions: [
    confirmFor("without a user", "", {
      ...{ anonymous: "token", nora: "ok", otto: "owner", organizer: "write" },
      ...{ admin: "write", reader: "write", writer: "ok", shop: "ok" },
    }),
    confirmFor("for nora", "nora", {
      ...{ anonymous: "token", nora: "ok", otto: "confirm", organizer: "write" },
      ...{ admin: "write", reader: "write", writer: "ok", shop: "ok" },
    }),
    confirmFor("for otto", "otto", {
      ...{ anonymous: "token", nora: "confirm", otto: "owner", organizer: "write" },
      ...{ admin: "write", reader: "write", writer: "confirm", shop: "owner" },
    }),
    {
      what: "of a booking that does not exist",
      answers: {
        ...{ anonymous: "token", nora: "gone", otto: "gone", organizer: "write" },
        ...{ admin: "write", reader: "write", writer: "gone", shop: "gone" },
      },
      request: () => ({ id: unusedId }),
      check: () => expect.unreachable(),
    },
    {
      what: "of a hold that has expired, with accept_late",
      answers: onlyForShops,
      async request({ stage, database }) {
        const { id } = await expire({ stage, database }, await stage.hold(await stage.concert()));
        return { id, acceptLate: true };
      },
      check: expectConfirmed,
    },
    {
      what: "of a hold of a concert that requires payment",
      answers: onlyForShops,
      request: async ({ stage }) => ({ id: (await stage.hold(await stage.concert({ requiresPayment: true }))).id }),
      check: expectConfirmed,
    },
  ],

  rules: [
    ...idCases(),
    ...userIdCases(),
    breaks("ticket_count", "int32.gte", -1, between("0", "100")),
    breaks("ticket_count", "int32.lte", 101, between("0", "100")),
    breaks("payment_reference", "string.max_len", "p".repeat(256), atMost(255)),
    breaks("payment_reference", "string.max_len", "🎸".repeat(256), atMost(255)),
    breaks("payment_reference", "string.not_contains", "pi\0", noNul),
  ],
  policies: userIdPolicies(),
  accepts: [
    ["all tickets by their number", { ticket_count: 2 }, { ticket_count: 2, status: "BOOKING_STATUS_CONFIRMED" }],
    ["one of two tickets", { ticket_count: 1 }, { ticket_count: 1, total_price: 50.25 }],
    ["a reference of 255 characters", { payment_reference: "🎸".repeat(255) }, { payment_reference: "🎸".repeat(255) }],
    ["a reference of one space", { payment_reference: " " }, { payment_reference: " " }],
    ["an empty reference", { payment_reference: "" }, { payment_reference: "" }],
    ["accept_late for a hold that lives", { accept_late: true }, { status: "BOOKING_STATUS_CONFIRMED" }],
  ],
  variations: {
    ticket_count: [0, 1, 2],
    payment_reference: ["", "pi_3", "'; DROP TABLE bookings; --"],
    accept_late: [true, false],
  },
});

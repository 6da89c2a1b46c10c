import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ticketsOf } from "../support/database/holds.ts";
import { endedStates } from "../support/scenario/holds.ts";
import type { Caller, Word } from "../support/scenario/permissions.ts";
import {
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
  keyed,
  notFound,
  permissionDenied,
  type Scene,
  unusedId,
} from "../support/scenario/scenario.ts";
import { bookingJson } from "../support/scenario/stored-json.ts";
import { userId } from "../support/service/stage.ts";

const { cancelBooking, confirmHold } = BookingService.method;

/** A cancellation of a booking of nora's, with a user in the request. An empty user is the caller. */
const cancelFor = (what: string, userId: string, answers: Readonly<Record<Caller, Word>>) => ({
  what,
  answers,
  request: async ({ stage, concert }: Found) => ({ id: (await stage.booking(concert, { ticketCount: 1 })).id, userId }),
  check: (booking: object) => expect(booking).toMatchObject({ userId: "nora", status: BookingStatus.CANCELLED }),
});

const alreadyCancelled = (when: string, requestId: string) => ({
  reason: "ALREADY_CANCELLED",
  answer: failedPrecondition,
  when,
  async arrange({ stage }: Scene) {
    const { id } = await stage.cancel(await stage.booking(await stage.concert()), randomUUID());
    return { request: { id, userId, requestId }, message: `booking ${id} is already cancelled` };
  },
});

/** A cancellation of a hold: it is to be released. */
const notConfirmed = (status: string, arrange: (scene: Scene) => Promise<{ id: bigint }>) => ({
  reason: "NOT_CONFIRMED",
  answer: failedPrecondition,
  when: `the booking is BOOKING_STATUS_${status.toUpperCase()}`,
  async arrange(scene: Scene) {
    const { id } = await arrange(scene);
    return {
      request: { id, userId },
      message: `booking ${id} cannot be cancelled: it is ${status}`,
      metadata: { status: `BOOKING_STATUS_${status.toUpperCase()}` },
    };
  },
});

export const scenario = defineScenario(cancelBooking, {
  rest: ({ id, ...body }) => ({ method: "POST", path: `/api/v1/bookings/${id}/cancel`, body }),
  right: ({ booking }) => ({ id: booking.id, userId }),

  successes: [
    {
      what: "returns the cancelled booking, again when its request_id is repeated, and its tickets once",
      async run(call, { stage, database, protocol }) {
        const concert = await stage.concert();
        const { id } = await stage.booking(concert);
        const [key, options] = keyed(protocol, randomUUID());
        const expected = async () => ({
          body: await bookingJson(database, id, concert.id, { status: "BOOKING_STATUS_CANCELLED" }),
        });
        await call({ id, userId, ...key }, expected, options);
        await call({ id, userId, ...key }, async () => ({ ...(await expected()), replayed: true }), options);
        expect(await ticketsOf(database, concert)).toEqual({ available: 100, held: 0 });
      },
    },
    {
      what: "cancels a confirmed hold, and keeps the payment's reference",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const { id } = await stage.hold(concert, { ticketCount: 3 });
        await stage.call(confirmHold, { id, userId, ticketCount: 2, paymentReference: "pi_1" });
        const cancelled = { status: "BOOKING_STATUS_CANCELLED", payment_reference: "pi_1" };
        await call({ id, userId }, async () => ({ body: await bookingJson(database, id, concert.id, cancelled) }));
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
      when: "the booking is another user's",
      async arrange({ stage }) {
        const { id } = await stage.booking(await stage.concert());
        return { request: { id, userId: "a stranger" }, message: `booking ${id} belongs to another user` };
      },
    },
    alreadyCancelled("the booking is cancelled and the request has no request_id", ""),
    alreadyCancelled("the booking was cancelled with another request_id", randomUUID()),
    notConfirmed("held", async ({ stage }) => stage.hold(await stage.concert())),
    notConfirmed("expired", endedStates.BOOKING_STATUS_EXPIRED),
    notConfirmed("released", endedStates.BOOKING_STATUS_RELEASED),
    invalid("the request_id and the id break rules", { requestId: "42", id: -1n, userId }, [
      ["request_id", notUuid],
      ["id", notPositive],
    ]),
    invalid("the user is missing", { id: 1n }, [["user_id", "is required"]]),
  ],

  permissions: [
    cancelFor("without a user", "", {
      ...{ anonymous: "token", nora: "ok", otto: "owner", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    cancelFor("for nora", "nora", {
      ...{ anonymous: "token", nora: "ok", otto: "admin", organizer: "write" },
      ...{ admin: "ok", reader: "write", writer: "ok", shop: "write" },
    }),
    cancelFor("for otto", "otto", {
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

  rules: [...requestIdCases(), ...idCases(), ...userIdCases()],
  policies: [...userIdPolicies(), ...requestIdPolicies()],
});

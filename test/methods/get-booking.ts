import { expect } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { idCases, notPositive } from "../support/scenario/rules.ts";
import { defineScenario, invalid, notFound, unusedId } from "../support/scenario/scenario.ts";
import { bookingJson } from "../support/scenario/stored-json.ts";
import { userId } from "../support/service/stage.ts";

export const scenario = defineScenario(BookingService.method.getBooking, {
  rest: ({ id }) => ({ method: "GET", path: `/api/v1/bookings/${id}` }),
  right: ({ booking }) => ({ id: booking.id }),

  successes: [
    {
      what: "returns a booking at the price it was sold at",
      async run(call, { stage, database }) {
        const concert = await stage.concert({ price: 0 });
        const { id } = await stage.booking(concert);
        const body = await bookingJson(database, id, concert.id, { unit_price: 0, total_price: 0 });
        await call({ id }, () => ({ body }));
      },
    },
    {
      what: "returns a hold with its end, and the payment's reference once it is confirmed",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const { id } = await stage.hold(concert);
        const held = await bookingJson(database, id, concert.id, { status: "BOOKING_STATUS_HELD" });
        expect(held).toHaveProperty("hold_expires_time");
        await call({ id }, () => ({ body: held }));
        await stage.call(BookingService.method.confirmHold, { id, userId, paymentReference: "pi_1" });
        const changes = { status: "BOOKING_STATUS_CONFIRMED", payment_reference: "pi_1" };
        await call({ id }, () => ({ body: { ...held, ...changes, updated_at: expect.any(String) } }));
      },
    },
  ],

  refusals: [
    {
      reason: "BOOKING_NOT_FOUND",
      answer: notFound,
      when: "the booking does not exist",
      arrange: () => ({ request: { id: unusedId }, message: `there is no booking ${unusedId}` }),
    },
    invalid("the id is negative", { id: -1n }, [["id", notPositive]]),
  ],

  refusedCallers: ["NOT_BOOKING_OWNER"],
  permissions: [
    {
      what: "of nora's booking",
      answers: {
        ...{ anonymous: "token", nora: "ok", otto: "owner", organizer: "read" },
        ...{ admin: "ok", reader: "ok", writer: "read", shop: "read" },
      },
      request: async ({ stage, concert }) => ({ id: (await stage.booking(concert)).id }),
      check: ({ userId }) => expect(userId).toBe("nora"),
    },
    {
      what: "of a booking that does not exist",
      answers: {
        ...{ anonymous: "token", nora: "gone", otto: "gone", organizer: "read" },
        ...{ admin: "gone", reader: "gone", writer: "read", shop: "read" },
      },
      request: () => ({ id: unusedId }),
      check: () => expect.unreachable(),
    },
  ],

  rules: idCases(),
});

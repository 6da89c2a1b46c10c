/** Holds in the states that time brings, which no test waits for, and cases that several methods share. */
import { expect } from "vitest";
import type { Booking } from "../../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import type { TestDatabase } from "../database/database.ts";
import { makeDue } from "../database/holds.ts";
import { timestamp, userId } from "../service/stage.ts";
import { failedPrecondition, type Refusal, type Request, type Scene } from "./scenario.ts";

const { holdTickets, releaseHold } = BookingService.method;

/** Makes a hold due and lets a batch expire it. */
export async function expire({ stage, database }: Pick<Scene, "stage" | "database">, hold: Booking, ago?: string) {
  await makeDue(database, hold, ago);
  const { id, userId } = hold;
  return await stage.call(releaseHold, { id, userId });
}

/** The end of a hold as stored, in RFC 3339 as messages and metadata have it. */
export async function endOf(database: TestDatabase, { id }: Booking): Promise<string> {
  const [row] = await database.query<{ end: string }>(
    `SELECT to_char(hold_expires_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS end
     FROM bookings WHERE id = $1`,
    [id],
  );
  return Temporal.Instant.from(row?.end ?? expect.unreachable()).toString();
}

/** The states of a booking other than HELD, each of a new concert. */
export const endedStates = {
  BOOKING_STATUS_CONFIRMED: async ({ stage }: Scene) => stage.booking(await stage.concert()),
  BOOKING_STATUS_CANCELLED: async ({ stage }: Scene) => stage.cancel(await stage.booking(await stage.concert())),
  BOOKING_STATUS_RELEASED: async ({ stage }: Scene) => {
    const { id } = await stage.hold(await stage.concert());
    return await stage.call(releaseHold, { id, userId });
  },
  BOOKING_STATUS_EXPIRED: async (scene: Scene) => expire(scene, await scene.stage.hold(await scene.stage.concert())),
} as const satisfies Record<string, (scene: Scene) => Promise<Booking>>;

export type EndedStatus = keyof typeof endedStates;

/** An order outside of the concert's booking window. */
const closed = (when: string, opensAt: string, closesAt: string) => ({
  reason: "BOOKING_NOT_OPEN",
  answer: failedPrecondition,
  when,
  async arrange({ stage }: Scene) {
    const window = { bookingStartTime: timestamp(opensAt), bookingEndTime: timestamp(closesAt) };
    const { id: concertId } = await stage.concert(window);
    const now = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z";
    return {
      request: { concertId, userId, ticketCount: 1 },
      message: new RegExp(`^booking is open from ${opensAt} until before ${closesAt}; it is ${now}$`),
      metadata: { opens_at: opensAt, closes_at: closesAt, now: expect.stringMatching(new RegExp(`^${now}$`)) },
    };
  },
});

/** An order for more tickets than are left of four, of which two are held or booked. */
const insufficient = (when: string, take: "hold" | "booking", totalTickets: number, ticketCount: number) => ({
  reason: "INSUFFICIENT_TICKETS",
  answer: failedPrecondition,
  when,
  async arrange({ stage }: Scene) {
    const concert = await stage.concert({ totalTickets });
    await stage[take](concert);
    const left = totalTickets - 2;
    return {
      request: { concertId: concert.id, userId, ticketCount },
      message: left === 0 ? "the concert is sold out" : `only ${left} tickets are left`,
      metadata: { available: String(left) },
    };
  },
});

/** How BookTickets and HoldTickets refuse what the concert, the operator or the user's limit does not allow. */
export const orderRefusals = [
  closed("booking has not begun", "2098-05-01T10:00:00Z", "2098-05-01T10:20:00.000001Z"),
  closed("booking is over", "2020-05-01T10:00:00.5Z", "2020-05-01T10:20:00Z"),
  {
    reason: "TICKET_LIMIT_EXCEEDED",
    answer: failedPrecondition,
    when: "the request is for more tickets than one booking may hold",
    async arrange({ stage }: Scene) {
      const { id: concertId } = await stage.concert({ totalTickets: 1 });
      return {
        request: { concertId, userId, ticketCount: 5 },
        message: "one booking can hold at most 4 tickets",
        metadata: { limit: "4" },
      };
    },
  },
  {
    reason: "USER_LIMIT_EXCEEDED",
    answer: failedPrecondition,
    when: "the user has booked one ticket and holds two of the four that one user may have",
    async arrange({ stage }: Scene) {
      const concert = await stage.concert({ maxTicketsPerUser: 4 });
      await stage.cancel(await stage.booking(concert));
      await stage.booking(concert, { ticketCount: 1 });
      await stage.hold(concert);
      return {
        request: { concertId: concert.id, userId, ticketCount: 2 },
        message: "one user can have at most 4 tickets of the concert; this one has booked 1 and holds 2",
        metadata: { limit: "4", booked: "1", held: "2" },
      };
    },
  },
  insufficient("the request is for 3 tickets and 2 are left", "booking", 4, 3),
  insufficient("the request is for 3 tickets, 2 are held and 2 are left", "hold", 4, 3),
  insufficient("the concert is sold out", "booking", 2, 1),
  insufficient("all tickets are held", "hold", 2, 1),
] as const satisfies readonly Refusal<typeof holdTickets>[];

/** How a command on a hold refuses a booking of each status, as pairs of a status and a reason. */
export function refusedStates<
  Method extends (typeof BookingService.method)["confirmHold" | "releaseHold" | "extendHold"],
>(requestFor: (booking: Booking) => Request<Method>, statuses: readonly EndedStatus[]): Refusal<Method>[] {
  return statuses.map((status) => ({
    reason: status === "BOOKING_STATUS_CONFIRMED" ? "ALREADY_CONFIRMED" : "NOT_HELD",
    answer: failedPrecondition,
    when: `the booking is ${status}`,
    async arrange(scene) {
      const booking = await endedStates[status](scene);
      const word = status.replace("BOOKING_STATUS_", "").toLowerCase();
      return status === "BOOKING_STATUS_CONFIRMED"
        ? { request: requestFor(booking), message: `booking ${booking.id} is already confirmed` }
        : {
            request: requestFor(booking),
            message: `booking ${booking.id} is no hold any more: it is ${word}`,
            metadata: { status },
          };
    },
  }));
}

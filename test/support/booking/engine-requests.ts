/** The commands that the actions of a history mean. */
import type { BookingCommand, Command } from "../../../src/booking/commands.ts";
import type { Actor } from "../../../src/domain/change.ts";
import { concertIdOf } from "../../../src/domain/ids.ts";
import type { Action } from "./engine-histories.ts";
import type { FakeDatabase } from "./fake-database.ts";

export type Request = Extract<
  Action,
  { kind: "book" | "hold" | "confirm" | "release" | "extend" | "cancel" | "sweep" }
>;

/** The command of a history's call of that number; undefined if there is no booking that it could name. */
export function commandOf(request: Request, call: number, database: FakeDatabase): Command | undefined {
  switch (request.kind) {
    case "sweep":
      return { kind: "expire", concertId: concertIdOf(request.concertId) };
    case "book":
    case "hold":
      return orderOf(request, call);
    default:
      return changeOf(request, call, database);
  }
}

/** Each call has a different actor, so that no act can be recorded for another call's. */
function actorOf(call: number): Actor {
  return { subject: `caller ${call}`, address: undefined };
}

function orderOf(request: Extract<Request, { kind: "book" | "hold" }>, call: number): BookingCommand {
  const { kind, userId, ticketCount, requestId = `made for call ${call}`, isExempt, ttlMs } = request;
  const concertId = concertIdOf(request.concertId);
  const hasOwnKey = request.requestId !== undefined;
  const order = { concertId, userId, ticketCount, requestId, hasOwnKey, isExempt, actor: actorOf(call) };
  return kind === "book" ? { kind, ...order } : { kind, ...order, ttlMs };
}

type ChangeRequest = Extract<Request, { kind: "confirm" | "release" | "extend" | "cancel" }>;

/** Names a booking that is stored by now. */
function changeOf(request: ChangeRequest, call: number, database: FakeDatabase): BookingCommand | undefined {
  const { kind, requestId, ticketCount, paymentReference, acceptLate, hasConfirmScope, ttlMs, caller } = request;
  const concertId = concertIdOf(request.concertId);
  const { bookings } = database.now(concertId) ?? { bookings: [] };
  const booking = bookings[request.choice % bookings.length];
  if (!booking) return undefined;
  const userId = { owner: booking.userId, "another user": "mallory", organizer: undefined }[caller];
  const change = { concertId, bookingId: booking.id, userId, actor: actorOf(call) };
  switch (kind) {
    case "confirm":
      return {
        ...{ kind, ...change, ownerId: booking.userId, ticketCount, paymentReference, acceptLate, hasConfirmScope },
      };
    case "release":
      return { kind, ...change };
    case "extend":
      return { kind, ...change, ttlMs };
    case "cancel":
      return { kind, ...change, requestId };
  }
}

/** What the plain model says of a batch: its answers, and all that it has to write. */
import type { Answer } from "../../../src/booking/answers.ts";
import type { Command } from "../../../src/booking/commands.ts";
import type { BookingPolicy } from "../../../src/booking/policy.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { BatchEffects } from "../../../src/store/batch/effects.ts";
import {
  availableIn,
  carryOut,
  heldIn,
  type ReferenceAnswer,
  type ReferenceBooking,
  type ReferenceConcert,
} from "./booking-reference.ts";
import type { Rows } from "./fake-rows.ts";
import { bookingInWords, bookingTexts, concertInWords, keyOf, textOf } from "./words.ts";

/** A command, the model's answer to it, and the booking that it names as it was before it. */
interface Step {
  readonly command: Command;
  readonly answer: ReferenceAnswer;
  readonly before: ReferenceBooking | undefined;
}

interface ModelBatch {
  readonly steps: readonly Step[];
  readonly concert: ReferenceConcert;
}

/** Carries out a batch's commands one after the other, all at its one instant. */
export function carryOutBatch(
  rows: Rows,
  commands: readonly Command[],
  now: Temporal.Instant,
  policy: BookingPolicy,
): ModelBatch {
  let concert = concertInWords(rows.concert, rows.bookings);
  const steps = commands.map((command) => {
    const expired = carryOut(concert, { kind: "expire" }, now, policy).concert;
    const before = "bookingId" in command ? expired.bookings.find(({ id }) => id === command.bookingId) : undefined;
    const { answer, concert: after } = carryOut(concert, command, now, policy);
    concert = after;
    return { command, answer, before };
  });
  return { steps, concert };
}

/** An answer as text. The model assigns no ids. */
export function answerText(answer: ReferenceAnswer): string {
  if (!("booking" in answer)) return textOf(answer);
  const { id, ...booking } = answer.booking;
  return textOf({ booking, replayed: answer.replayed });
}

/** An answer of the engine in the model's words. */
export function answerInWords(answer: Answer): ReferenceAnswer {
  switch (answer.kind) {
    case "booking":
      return { booking: bookingInWords(answer.booking), replayed: answer.replayed };
    case "refused":
      return { failure: answer.failure };
    case "done":
      return { isDone: true };
    case "undecided":
      throw new Error("a command is undecided");
  }
}

/** What is wrong with the rows that a batch has left; undefined if they are the model's. */
export function whyNotStored({ concert }: ModelBatch, rows: Rows): string | undefined {
  const expected = bookingTexts(concert.bookings);
  const stored = bookingTexts(rows.bookings.map(bookingInWords));
  if (textOf(expected) !== textOf(stored)) return `a batch stored ${stored} in place of ${expected}`;
  const { availableTickets, heldTickets } = rows.concert;
  return availableTickets === availableIn(concert) && heldTickets === heldIn(concert)
    ? undefined
    : `a batch left ${availableTickets} available and ${heldTickets} held in place of ${availableIn(concert)} and ${heldIn(concert)}`;
}

/** What is wrong with how a batch records its actors; undefined if nothing is. */
export function whyNotRecorded({ steps }: ModelBatch, effects: BatchEffects): string | undefined {
  const expected = steps.flatMap(expectedRecords).sort();
  const recorded = recordsIn(effects).sort();
  return textOf(expected) === textOf(recorded) ? undefined : `a batch recorded ${recorded} in place of ${expected}`;
}

const actions = { book: "create", hold: "hold", confirm: "confirm", release: "release" } as const;

function expectedRecords({ command, answer, before }: Step): string[] {
  if (command.kind === "expire" || !("booking" in answer) || answer.replayed) return [];
  const { subject } = command.actor;
  const { booking } = answer;
  const isInsert = command.kind === "book" || command.kind === "hold";
  const action = `booking.${{ ...actions, extend: "extend", cancel: "cancel" }[command.kind]}`;
  const entry = textOf([action, subject, before && statesOf(before), statesOf(booking)]);
  return [
    ...(isInsert ? [`made by ${subject}: ${keyOf(booking)}`] : []),
    ...(command.kind === "cancel" ? [`cancelled by ${subject ?? booking.userId}: ${booking.id}`] : []),
    ...(subject !== undefined && subject !== booking.userId ? [entry] : []),
  ];
}

function recordsIn({ inserts, updates, entries }: BatchEffects): string[] {
  return [
    ...inserts.map(({ booking, actor }) => `made by ${actor.subject}: ${keyOf(booking)}`),
    ...updates.flatMap(({ id, cancelledBy }) =>
      cancelledBy === undefined ? [] : [`cancelled by ${cancelledBy}: ${id}`],
    ),
    ...entries.map(({ action, actor, before, after }) =>
      textOf([action, actor.subject, before && statesOf(before), statesOf(after)]),
    ),
  ];
}

/** What changes in a booking's life, and whose it is. */
function statesOf(booking: ReferenceBooking | Booking) {
  const { userId, requestId, ticketCount, status, holdExpiresTime, paymentReference, cancelRequestId } = booking;
  return { userId, requestId, ticketCount, status, holdExpiresTime, paymentReference, cancelRequestId };
}

/** What is wrong with a concert's rows, whatever has happened; undefined if nothing is. */
export function brokenInvariant({ concert, bookings }: Rows): string | undefined {
  const { totalTickets, availableTickets, heldTickets } = concert;
  const tickets = (wanted: Booking["status"]) =>
    bookings.reduce((sum, { status, ticketCount }) => sum + (status === wanted ? ticketCount : 0), 0);
  if (heldTickets !== tickets("held")) return "the held tickets do not add up";
  if (availableTickets + heldTickets + tickets("confirmed") !== totalTickets) return "the tickets do not add up";
  if (Math.min(availableTickets, heldTickets, ...bookings.map(({ ticketCount }) => ticketCount)) < 0)
    return "there are fewer tickets than none";
  if (new Set(bookings.map(keyOf)).size < bookings.length) return "a key has two bookings";
  return undefined;
}

/** The users that a batch has brought above the concert's limit without an order that is exempt. */
export function usersOverLimit(before: Rows, after: Rows, commands: readonly Command[]): string[] {
  const limit = after.concert.maxTicketsPerUser;
  if (limit === undefined) return [];
  const ticketsOf = ({ bookings }: Rows, userId: string) =>
    bookings
      .filter((each) => each.userId === userId && (each.status === "held" || each.status === "confirmed"))
      .reduce((sum, { ticketCount }) => sum + ticketCount, 0);
  const exempt = new Set(commands.flatMap((each) => ("isExempt" in each && each.isExempt ? [each.userId] : [])));
  return [...new Set(after.bookings.map(({ userId }) => userId))].filter((userId) => {
    const tickets = ticketsOf(after, userId);
    return tickets > limit && tickets > ticketsOf(before, userId) && !exempt.has(userId);
  });
}

/** Compares the answers to a crowd with the stored bookings. */
import { expect } from "vitest";
import { BookingStatus } from "../../../gen/frontrow/v1/booking_pb.ts";
import type { TestDatabase } from "../database/database.ts";
import type { Wish } from "./crowd.ts";

interface StoredBooking {
  readonly id: string;
  readonly concert_id: string;
  readonly user_id: string;
  readonly requested_count: number;
  readonly ticket_count: number;
  readonly status: keyof typeof statuses;
  readonly request_id: string;
  readonly cancel_request_id: string | null;
  readonly payment_reference: string | null;
}

const { HELD, CONFIRMED, CANCELLED, EXPIRED, RELEASED } = BookingStatus;
const statuses = { held: HELD, confirmed: CONFIRMED, cancelled: CANCELLED, expired: EXPIRED, released: RELEASED };

/** The status that a request leaves. */
const statusAfter = {
  ...{ book: "confirmed", hold: "held", cancel: "cancelled", confirm: "confirmed", release: "released" },
} as const satisfies Record<Wish["kind"], keyof typeof statuses>;

/** What the answers say of a request in the end. "unknown" if no answer is definite. */
type Knowledge = "stored" | "not stored" | "unknown";

/** The refusals that right requests may get. */
const expectedRefusals: ReadonlySet<string> = new Set([
  "UNAVAILABLE OVERLOADED",
  "UNAVAILABLE DATABASE_UNAVAILABLE",
  "UNAVAILABLE OUTCOME_UNKNOWN",
  "DEADLINE_EXCEEDED DEADLINE_EXCEEDED",
  "FAILED_PRECONDITION INSUFFICIENT_TICKETS",
]);

/** The refusals that say that nothing was stored. */
const definiteRefusals: ReadonlySet<string | undefined> = new Set(["INSUFFICIENT_TICKETS", "HOLD_EXPIRED"]);

/** Fails unless every answer is expected, and every acknowledged booking, and no other, is stored once as answered. */
export async function checkAccounts(database: Pick<TestDatabase, "query">, wishes: readonly Wish[]): Promise<void> {
  expect(improperAnswers(wishes)).toEqual([]);
  const concertIds = [...new Set(wishes.map(({ concertId }) => concertId))];
  const rows = await database.query<StoredBooking>(
    `SELECT id::text, concert_id::text, user_id, coalesce(requested_count, ticket_count) AS requested_count,
       ticket_count, status, request_id, cancel_request_id, payment_reference
     FROM bookings WHERE concert_id = ANY ($1)`,
    [concertIds],
  );
  const changes = new Map(
    wishes.flatMap((wish) => (wish.bookingId === undefined ? [] : [[String(wish.bookingId), wish]])),
  );
  const byKey = Map.groupBy(rows, (row) => row.request_id);
  const mistakes = wishes.flatMap((wish) => {
    if (wish.bookingId !== undefined) return [];
    const stored = byKey.get(wish.requestId) ?? [];
    byKey.delete(wish.requestId);
    if (stored.length > 1) return [`${wish.requestId} is stored ${stored.length} times`];
    const [row] = stored;
    return [...creationMistakes(wish, row), ...(row ? changeMistakes(wish, changes.get(row.id), row) : [])];
  });
  const unasked = [...byKey.keys()].map((requestId) => `no request asked for ${requestId}`);
  expect([...mistakes, ...unasked].slice(0, 20)).toEqual([]);
}

function improperAnswers(wishes: readonly Wish[]): string[] {
  const improper = wishes.flatMap(({ outcomes, isBrief }) =>
    outcomes
      .filter((outcome) => !outcome.ok)
      .filter(
        ({ code, reason }) => !expectedRefusals.has(`${code} ${reason}`) && !(isBrief && reason === "HOLD_EXPIRED"),
      )
      .map(({ code, reason, message }) => `${code} ${reason}: ${message}`),
  );
  return [...new Set(improper)];
}

/** Whether an attempt without an acknowledgement may have stored something. */
function mayHaveBeenStored({ outcomes }: Wish): boolean {
  return outcomes.some(
    (outcome) =>
      !outcome.ok && !definiteRefusals.has(outcome.reason) && !outcome.message.includes("nothing was stored"),
  );
}

function knowledge(wish: Wish): Knowledge {
  if (wish.outcomes.at(-1)?.ok) return "stored";
  return mayHaveBeenStored(wish) ? "unknown" : "not stored";
}

function creationMistakes(wish: Wish, row: StoredBooking | undefined): string[] {
  const known = knowledge(wish);
  if (!row) return known === "stored" ? [`${describeWish(wish)} is lost`] : [];
  if (known === "not stored") return [`${describeWish(wish)} is stored`];
  const told = answerOf(wish);
  const asked = [wish.concertId, wish.userId, wish.ticketCount];
  // A replay returns a brief hold as it is then.
  const status = told && isExpiredReplay(wish) ? EXPIRED : statuses[statusAfter[wish.kind]];
  const expected = told
    ? [told.id, told.concertId, told.userId, told.ticketCount, told.status]
    : [row.id, ...asked, status];
  const stored = [row.id, row.concert_id, row.user_id, row.requested_count, status];
  const isAsTold = expected.join() === stored.join() && asked.join() === stored.slice(1, 4).join();
  return [...(isAsTold ? [] : [`${describeWish(wish)} is stored as ${stored}`]), ...replayMistakes(wish)];
}

/** `change` is the request to change what `creation` has made, if there was one. */
function changeMistakes(creation: Wish, change: Wish | undefined, row: StoredBooking): string[] {
  const known = change ? knowledge(change) : "not stored";
  const [before, after] = [statusAfter[creation.kind], change && statusAfter[change.kind]];
  if (creation.isBrief && row.status === "expired") {
    const isRight = !change || known !== "stored" || (change.kind === "release" && isExpiredReplay(change));
    return isRight ? [] : [`${describeWish(change)} is lost`];
  }
  if (row.status === before && row.ticket_count === row.requested_count && row.payment_reference === null)
    return change && known === "stored" ? [`${describeWish(change)} is lost`] : [];
  if (!change || known === "not stored") return [`booking ${row.id} is ${row.status}, though no answer says so`];
  const told = answerOf(change);
  const ticketCount = (change.kind === "confirm" && change.ticketCount) || row.requested_count;
  const asked = [row.id, after, ticketCount, change.kind === "cancel" ? change.requestId : null];
  const stored = [row.id, row.status, row.ticket_count, row.cancel_request_id];
  const isAsAsked = asked.join() === stored.join();
  const isAsTold = !told || (String(told.id) === row.id && told.status === statuses[row.status]);
  const isPaidAsAsked = row.payment_reference === (change.kind === "confirm" ? change.requestId : null);
  const isRight = isAsAsked && isAsTold && isPaidAsAsked;
  return [...(isRight ? [] : [`${describeWish(change)} is stored otherwise`]), ...replayMistakes(change)];
}

/** A first attempt, and one after refusals that stored nothing, gets no replay. */
function replayMistakes(wish: Wish): string[] {
  const last = wish.outcomes.at(-1);
  return last?.ok && last.replayed === "true" && !mayHaveBeenStored(wish)
    ? [`${describeWish(wish)} had been stored`]
    : [];
}

/** Whether the answer is a brief hold that was stored before and has expired since. */
function isExpiredReplay({ outcomes, isBrief }: Wish): boolean {
  const last = outcomes.at(-1);
  return isBrief && last?.ok === true && last.replayed === "true" && last.message.status === EXPIRED;
}

function answerOf({ outcomes }: Wish) {
  const last = outcomes.at(-1);
  return last?.ok ? last.message : undefined;
}

function describeWish({ kind, requestId, userId, outcomes }: Wish): string {
  const answers = outcomes.map((each) => (each.ok ? `OK ${each.message.id}` : `${each.reason} (${each.message})`));
  return `${kind} ${requestId} of ${userId}, answered ${answers.slice(-5).join(", ")},`;
}

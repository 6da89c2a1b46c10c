/** Compares the answers to a crowd with the stored bookings. */
import { expect } from "vitest";
import { BookingStatus } from "../../../gen/frontrow/v1/booking_pb.ts";
import type { TestDatabase } from "../database/database.ts";
import type { Wish } from "./crowd.ts";

interface StoredBooking {
  readonly id: string;
  readonly concert_id: string;
  readonly user_id: string;
  readonly ticket_count: number;
  readonly status: string;
  readonly request_id: string;
  readonly cancel_request_id: string | null;
}

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

/** Fails unless every answer is expected, and every acknowledged booking, and no other, is stored once as answered. */
export async function checkAccounts(database: Pick<TestDatabase, "query">, wishes: readonly Wish[]): Promise<void> {
  expect(improperAnswers(wishes)).toEqual([]);
  const concertIds = [...new Set(wishes.map(({ concertId }) => concertId))];
  const rows = await database.query<StoredBooking>(
    `SELECT id::text, concert_id::text, user_id, ticket_count, status, request_id, cancel_request_id
     FROM bookings WHERE concert_id = ANY ($1)`,
    [concertIds],
  );
  const cancels = new Map(wishes.flatMap((wish) => (wish.kind === "cancel" ? [[String(wish.bookingId), wish]] : [])));
  const byKey = Map.groupBy(rows, (row) => row.request_id);
  const mistakes = wishes.flatMap((wish) => {
    if (wish.kind === "cancel") return [];
    const stored = byKey.get(wish.requestId) ?? [];
    byKey.delete(wish.requestId);
    if (stored.length > 1) return [`${wish.requestId} is stored ${stored.length} times`];
    const [row] = stored;
    return [...bookingMistakes(wish, row), ...(row ? cancelMistakes(cancels.get(row.id), row) : [])];
  });
  const unasked = [...byKey.keys()].map((requestId) => `no request asked for ${requestId}`);
  expect([...mistakes, ...unasked].slice(0, 20)).toEqual([]);
}

function improperAnswers(wishes: readonly Wish[]): string[] {
  const refusals = wishes.flatMap(({ outcomes }) => outcomes.filter((outcome) => !outcome.ok));
  const improper = refusals
    .filter(({ code, reason }) => !expectedRefusals.has(`${code} ${reason}`))
    .map(({ code, reason, message }) => `${code} ${reason}: ${message}`);
  return [...new Set(improper)];
}

/** Whether an attempt without an acknowledgement may have stored something. */
function mayHaveBeenStored({ outcomes }: Wish): boolean {
  return outcomes.some(
    (outcome) =>
      !outcome.ok && outcome.reason !== "INSUFFICIENT_TICKETS" && !outcome.message.includes("nothing was stored"),
  );
}

function knowledge(wish: Wish): Knowledge {
  if (wish.outcomes.at(-1)?.ok) return "stored";
  return mayHaveBeenStored(wish) ? "unknown" : "not stored";
}

function bookingMistakes(wish: Wish, row: StoredBooking | undefined): string[] {
  const known = knowledge(wish);
  if (!row) return known === "stored" ? [`${describeWish(wish)} is lost`] : [];
  if (known === "not stored") return [`${describeWish(wish)} is stored`];
  const told = answerOf(wish);
  const asked = [wish.concertId, wish.userId, wish.ticketCount];
  const expected = told
    ? [told.id, told.concertId, told.userId, told.ticketCount, told.status]
    : [row.id, ...asked, BookingStatus.CONFIRMED];
  const stored = [row.id, row.concert_id, row.user_id, row.ticket_count, BookingStatus.CONFIRMED];
  const isAsTold = expected.join() === stored.join() && asked.join() === stored.slice(1, 4).join();
  return [...(isAsTold ? [] : [`${describeWish(wish)} is stored as ${stored}`]), ...replayMistakes(wish)];
}

function cancelMistakes(wish: Wish | undefined, row: StoredBooking): string[] {
  const known = wish ? knowledge(wish) : "not stored";
  if (row.status === "confirmed") return wish && known === "stored" ? [`${describeWish(wish)} is lost`] : [];
  if (!wish || known === "not stored") return [`booking ${row.id} is cancelled, though no answer says so`];
  const told = answerOf(wish);
  const isAsTold = !told || (String(told.id) === row.id && told.status === BookingStatus.CANCELLED);
  const isWithKey = row.cancel_request_id === wish.requestId;
  return [...(isAsTold && isWithKey ? [] : [`${describeWish(wish)} is stored otherwise`]), ...replayMistakes(wish)];
}

/** A first attempt, and one after refusals that stored nothing, gets no replay. */
function replayMistakes(wish: Wish): string[] {
  const last = wish.outcomes.at(-1);
  return last?.ok && last.replayed === "true" && !mayHaveBeenStored(wish)
    ? [`${describeWish(wish)} had been stored`]
    : [];
}

function answerOf({ outcomes }: Wish) {
  const last = outcomes.at(-1);
  return last?.ok ? last.message : undefined;
}

function describeWish({ kind, requestId, userId, outcomes }: Wish): string {
  const answers = outcomes.map((each) => (each.ok ? `OK ${each.message.id}` : `${each.reason} (${each.message})`));
  return `${kind} ${requestId} of ${userId}, answered ${answers.slice(-5).join(", ")},`;
}

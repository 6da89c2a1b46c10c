/** Compares what a crowd was told with what is stored. */
import { expect } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import type { Wish } from "./crowd.ts";
import type { TestDatabase } from "./database.ts";

interface StoredBooking {
  readonly id: string;
  readonly concert_id: string;
  readonly user_id: string;
  readonly ticket_count: number;
  readonly status: string;
  readonly request_id: string;
  readonly cancel_request_id: string | null;
}

/** What a user knows in the end: that it is stored, that it is not, or, for want of a definite answer, nothing. */
type Knowledge = "stored" | "not stored" | "unknown";

/** All that a crowd of well-behaved users may hear besides what they asked for. */
const expectedRefusals: ReadonlySet<string> = new Set([
  "UNAVAILABLE OVERLOADED",
  "UNAVAILABLE DATABASE_UNAVAILABLE",
  "UNAVAILABLE OUTCOME_UNKNOWN",
  "DEADLINE_EXCEEDED DEADLINE_EXCEEDED",
  "FAILED_PRECONDITION INSUFFICIENT_TICKETS",
]);

/** Fails unless every answer was a proper one, all that was acknowledged is stored once and as told, and nothing else is. */
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
  const unasked = [...byKey.keys()].map((requestId) => `nobody has asked for ${requestId}`);
  expect([...mistakes, ...unasked].slice(0, 20)).toEqual([]);
}

function improperAnswers(wishes: readonly Wish[]): string[] {
  const refusals = wishes.flatMap(({ outcomes }) => outcomes.filter((outcome) => !outcome.ok));
  const improper = refusals
    .filter(({ code, reason }) => !expectedRefusals.has(`${code} ${reason}`))
    .map(({ code, reason, message }) => `${code} ${reason}: ${message}`);
  return [...new Set(improper)];
}

/** Whether some attempt may have stored something although its user was not told so. */
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
  if (!row) return known === "stored" ? [`${tell(wish)} is lost`] : [];
  if (known === "not stored") return [`${tell(wish)} is stored`];
  const told = answerOf(wish);
  const asked = [wish.concertId, wish.userId, wish.ticketCount];
  const expected = told
    ? [told.id, told.concertId, told.userId, told.ticketCount, told.status]
    : [row.id, ...asked, BookingStatus.CONFIRMED];
  const stored = [row.id, row.concert_id, row.user_id, row.ticket_count, BookingStatus.CONFIRMED];
  const isAsTold = expected.join() === stored.join() && asked.join() === stored.slice(1, 4).join();
  return [...(isAsTold ? [] : [`${tell(wish)} is stored as ${stored}`]), ...replayMistakes(wish)];
}

function cancelMistakes(wish: Wish | undefined, row: StoredBooking): string[] {
  const known = wish ? knowledge(wish) : "not stored";
  if (row.status === "confirmed") return wish && known === "stored" ? [`${tell(wish)} is lost`] : [];
  if (!wish || known === "not stored") return [`booking ${row.id} is cancelled, though its user was not told so`];
  const told = answerOf(wish);
  const isAsTold = !told || (String(told.id) === row.id && told.status === BookingStatus.CANCELLED);
  const isWithKey = row.cancel_request_id === wish.requestId;
  return [...(isAsTold && isWithKey ? [] : [`${tell(wish)} is stored otherwise`]), ...replayMistakes(wish)];
}

/** Who has only heard that nothing was stored, or has asked for the first time, gets no replay. */
function replayMistakes(wish: Wish): string[] {
  const last = wish.outcomes.at(-1);
  return last?.ok && last.replayed === "true" && !mayHaveBeenStored(wish) ? [`${tell(wish)} had been stored`] : [];
}

function answerOf({ outcomes }: Wish) {
  const last = outcomes.at(-1);
  return last?.ok ? last.message : undefined;
}

function tell({ kind, requestId, userId, outcomes }: Wish): string {
  const answers = outcomes.map((each) => (each.ok ? `OK ${each.message.id}` : `${each.reason} (${each.message})`));
  return `${kind} ${requestId} of ${userId}, told ${answers.slice(-5).join(", ")},`;
}

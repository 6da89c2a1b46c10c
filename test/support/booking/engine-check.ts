/** Whether what came of a history is right: what must always hold, and a serial order that explains the answers. */
import { isDeepStrictEqual } from "node:util";
import type { Command } from "../../../src/booking/commands.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import { DomainError, type Failure, type Reason } from "../../../src/domain/failure.ts";
import { availableIn, carryOut, type ReferenceAnswer, type ReferenceConcert } from "./booking-reference.ts";
import { type History, ticketLimit } from "./engine-histories.ts";
import type { Call, Learning, Reading, Run } from "./engine-run.ts";
import { type FakeDatabase, instantAt, keyOf, type Moment, poisonedUser } from "./fake-database.ts";

/** How long a process may use what it has cached without asking the database. */
const memoryMs = 1_000;

/** Throws what is wrong with a run. */
export function checkRun({ history, database, calls, readings, idlings }: Run): void {
  const possible = possibleTroubles(history);
  for (const concertId of [1n, 2n]) checkHistory(database.history(concertId));
  for (const call of calls) {
    if (!call.settled) fail("has no answer", call);
    if (call.abortedBegun === false && call.answer) fail("has an answer after it was rejected as not stored", call);
    checkAnswer(call, database, possible);
  }
  checkStored(calls, database);
  checkOrder(calls, database);
  for (const reading of readings) checkReading(reading, database);
  for (const { unanswered } of idlings)
    if (unanswered.length > 0) fail("had no answer when their process was idle", unanswered);
}

function fail(what: string, subject: unknown): never {
  const text = JSON.stringify(subject, (key, value) => {
    if (key === "deadline" || key.startsWith("learnt")) return undefined;
    if (value instanceof DomainError) return value.failure;
    if (value instanceof Error) return String(value);
    return typeof value === "bigint" ? `${value}n` : value;
  });
  throw new Error(`${what}: ${text}`);
}

function inWords({ concert, bookings }: Pick<Moment, "concert" | "bookings">): ReferenceConcert {
  return {
    totalTickets: concert.totalTickets,
    opensAt: concert.bookingStartTime,
    closesAt: concert.bookingEndTime,
    bookings: bookings.map(bookingInWords),
  };
}

function bookingInWords({ id, userId, requestId, ticketCount, status, cancelRequestId }: Booking) {
  return { id, userId, requestId, ticketCount, status, cancelRequestId };
}

/** Every commit keeps the invariants and stores what the reference allows for its requests. */
function checkHistory(history: readonly Moment[]): void {
  for (const [index, moment] of history.entries()) {
    const { concert, bookings, batch } = moment;
    const reference = inWords(moment);
    if (concert.availableTickets < 0 || concert.availableTickets !== availableIn(reference)) {
      fail("the tickets do not add up", moment);
    }
    if (new Set(bookings.map(keyOf)).size < bookings.length) fail("a key has two bookings", moment);
    const before = history[index - 1];
    if (!batch || !before) continue;
    const isStored = (booking: Booking) => before.bookings.some((each) => isDeepStrictEqual(each, booking));
    if (!batch.writes.cancelled.every((each) => isStored(each.before))) fail("a cancel was of something else", moment);
    const requests = requestsOf(batch.writes);
    let state = inWords(before);
    for (const request of requests) {
      const { answer, concert: after } = carryOut(state, request, batch.writes.now, ticketLimit);
      if (!("booking" in answer) || answer.replayed) fail("a batch stored what it should not", { request, answer });
      state = after;
    }
    const withoutIds = (each: ReferenceConcert) => each.bookings.map(({ id, ...rest }) => JSON.stringify(rest)).sort();
    if (!isDeepStrictEqual(withoutIds(state), withoutIds(reference))) fail("a batch stored something else", moment);
  }
}

/** The requests of what a batch stored, the cancels first: if any order is possible, this one is. */
function requestsOf({ concert, newBookings, cancelled }: NonNullable<Moment["batch"]>["writes"]): Command[] {
  const concertId = concert.id;
  return [
    ...cancelled.map(({ after: { id: bookingId, userId, cancelRequestId: requestId = "" }, actor }) => {
      return { kind: "cancel", concertId, bookingId, userId, requestId, actor } as const;
    }),
    ...newBookings.map(({ userId, requestId, ticketCount, actor }) => {
      return { kind: "book", concertId, userId, requestId, ticketCount, hasOwnKey: true, actor } as const;
    }),
  ];
}

/** The reasons of errors that do not depend on the concert's state. */
function possibleTroubles({ faults, maxQueuedRequests }: History): ReadonlySet<Reason> {
  const happened = new Set<string>(Object.values(faults).flat());
  const reasons = new Set<Reason>(["DEADLINE_EXCEEDED"]);
  if (happened.has("no lock") || maxQueuedRequests < 100) reasons.add("OVERLOADED");
  // Of a lost COMMIT, when the database cannot be reached for so long.
  const isLost = happened.has("lost, committed") || happened.has("lost, aborted");
  if (isLost && faults.open?.some((fault) => fault !== "none")) reasons.add("OUTCOME_UNKNOWN");
  if (happened.size > (happened.has("none") ? 1 : 0)) reasons.add("DATABASE_UNAVAILABLE");
  return reasons;
}

function checkAnswer(call: Call, database: FakeDatabase, possible: ReadonlySet<Reason>): void {
  const { request, answer, error } = call;
  if (answer) checkBooking(call, answer.value, answer.replayed, database);
  else if (!(error instanceof DomainError)) {
    if (request.userId !== poisonedUser) fail("failed because of another request", call);
  } else if (!possible.has(error.failure.reason)) checkRefusal(call, error.failure, database);
  else if (error.failure.reason === "DEADLINE_EXCEEDED" && call.abortedBegun === undefined) fail("had time left", call);
}

function checkRefusal(call: Call, failure: Failure, database: FakeDatabase): void {
  if (failure.reason === "CONCERT_NOT_FOUND" && !database.now(call.request.concertId)) return;
  const isRight = isExplained(call, { failure }, database) || isRemembered(call, failure, database);
  if (!isRight) fail("is not explained", call);
}

/** An acknowledged booking is stored as it was acknowledged, with its actor. */
function checkBooking(call: Call, booking: Booking, replayed: boolean, database: FakeDatabase): void {
  const { storedThen, request } = call;
  if (!storedThen) fail("was acknowledged, and is not stored", call);
  const { status: _, cancelRequestId: __, updatedAt: ___, ...acknowledged } = booking;
  const { status: ____, cancelRequestId: _____, updatedAt: ______, ...stored } = storedThen;
  if (!isDeepStrictEqual(acknowledged, stored)) fail("was acknowledged as something else than is stored", call);
  if (replayed) {
    if (!isExplained(call, { booking: bookingInWords(booking), replayed }, database)) fail("is not explained", call);
    return;
  }
  const own = request.kind === "book" ? { ...request, hasOwnKey: true } : request;
  const meanwhile = momentsOf(call, database).slice(1);
  if (!meanwhile.some(({ batch }) => batch && requestsOf(batch.writes).some((each) => isDeepStrictEqual(each, own))))
    fail("was not stored between call and answer", call);
}

/** The moments from a call to its answer. */
function momentsOf({ submitted, settled, request }: Call, database: FakeDatabase): readonly Moment[] {
  return database.history(request.concertId).slice(submitted.moment, (settled?.moment ?? 0) + 1);
}

/** Whether the reference gives the answer at some time between call and answer. */
function isExplained(call: Call, answer: ReferenceAnswer, database: FakeDatabase): boolean {
  const { request, submitted, settled, process } = call;
  const moments = momentsOf(call, database);
  const next = (index: number) => moments[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
  return moments.some((moment, index) => {
    const fromMs = Math.max(moment.fromMs, submitted.ms);
    const untilMs = Math.min(next(index), settled?.ms ?? 0);
    if (gives(inWords(moment), request, answer, fromMs, untilMs)) return true;
    const before = moments[index - 1];
    // Within a batch there were states that only its own process saw.
    return before !== undefined && moment.batch?.process === process
      ? within(before, moment).some((state) => gives(state, request, answer, submitted.ms, moment.fromMs))
      : false;
  });
}

/** The states that a batch may have gone through: its bookings and its cancels have an order each, but no common one. */
function within(before: Moment, { batch, bookings }: Moment): ReferenceConcert[] {
  if (!batch) return [];
  const { newBookings, cancelled } = batch.writes;
  const stored = newBookings.map((key) => bookings.find((each) => keyOf(each) === keyOf(key)) as Booking);
  const states: ReferenceConcert[] = [];
  for (let booked = 0; booked <= stored.length; booked++) {
    for (let gone = 0; gone <= cancelled.length; gone++) {
      const afterCancels = before.bookings.map(
        (each) => cancelled.slice(0, gone).find(({ after }) => after.id === each.id)?.after ?? each,
      );
      states.push(inWords({ concert: before.concert, bookings: [...afterCancels, ...stored.slice(0, booked)] }));
    }
  }
  return states;
}

/** Whether the reference gives the answer at some instant of a period. */
function gives(state: ReferenceConcert, request: Command, answer: ReferenceAnswer, fromMs: number, untilMs: number) {
  const instants = [instantAt(fromMs), instantAt(untilMs), state.opensAt];
  if ("failure" in answer && answer.failure.reason === "BOOKING_NOT_OPEN") instants.push(answer.failure.now);
  return instants
    .filter((instant) => isWithin(instant, fromMs, untilMs))
    .some((now) => isDeepStrictEqual(carryOut(state, request, now, ticketLimit).answer, answer));
}

function isWithin(instant: Temporal.Instant, fromMs: number, untilMs: number): boolean {
  const { epochNanoseconds } = instant;
  // The clock counts milliseconds; transactions have instants within one.
  return (
    instantAt(fromMs).epochNanoseconds <= epochNanoseconds && epochNanoseconds < instantAt(untilMs + 1).epochNanoseconds
  );
}

/**
 * Whether an error follows from the sold-out cache: the concert was sold out within the last second, the process has learnt
 * of no later moment, and the window is still open. A repeated key must find its booking regardless.
 */
function isRemembered(call: Call, failure: Failure, database: FakeDatabase): boolean {
  const { request, submitted, settled, learnt } = call;
  if (request.kind !== "book" || !settled) return false;
  const history = database.history(request.concertId);
  if (history[submitted.moment]?.bookings.some((each) => keyOf(each) === keyOf(request))) return false;
  return history.some((moment, index) => {
    const untilMs = history[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    const isFresh = untilMs > submitted.ms - memoryMs && index >= lastLearnt(learnt) && index <= submitted.moment;
    if (!isFresh || moment.concert.availableTickets > 0) return false;
    return gives(inWords(moment), request, { failure }, submitted.ms, settled.ms);
  });
}

function lastLearnt(learnt: readonly Learning[]): number {
  return Math.max(0, ...learnt.map(({ moment }) => moment));
}

/** A cached concert is as it was within the last second, and not older than what the process has learnt. */
function checkReading(reading: Reading, database: FakeDatabase): void {
  const { concertId, concert, asked, underWaySinceMs = asked.ms, answered, learnt, learntByAnswer } = reading;
  const sinceMs = Math.min(asked.ms - memoryMs, underWaySinceMs);
  const history = database.history(concertId);
  if (history.length === 0 && concert === undefined) return;
  const known = lastLearnt(learnt);
  const isRight = history.some((moment, index) => {
    if (index < known || index > answered.moment) return false;
    const untilMs = history[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    const isFresh =
      untilMs >= sinceMs || learntByAnswer.some((each) => each.moment === index && each.ms >= asked.ms - memoryMs);
    return isFresh && isDeepStrictEqual(moment.concert, concert);
  });
  if (!isRight) fail("a read is too old", reading);
}

/** A call that was rejected as not stored has stored nothing. */
function checkStored(calls: readonly Call[], database: FakeDatabase): void {
  for (const concertId of [1n, 2n]) {
    const { bookings } = database.now(concertId);
    const initial = database.history(concertId)[0]?.bookings ?? [];
    for (const booking of bookings) {
      const before = initial.find(({ id }) => id === booking.id);
      const { id, ticketCount, cancelRequestId } = booking;
      const isBooking = ({ request }: Call) => {
        if (request.kind !== "book" || request.concertId !== concertId) return false;
        return keyOf(request) === keyOf(booking) && request.ticketCount === ticketCount;
      };
      if (!before) checkAuthor(booking, calls.filter(isBooking));
      if (booking.status === "confirmed" || before?.status === "cancelled") continue;
      const isCancel = ({ request }: Call) =>
        request.kind === "cancel" && request.bookingId === id && request.requestId === cancelRequestId;
      checkAuthor(booking, calls.filter(isCancel));
    }
  }
}

/** One of the calls has stored it, and no two report that they did. */
function checkAuthor(booking: Booking, calls: readonly Call[]): void {
  const authors = calls.filter(({ answer }) => answer?.replayed === false);
  if (authors.length > 1) fail("is reported as stored by two calls", { booking, authors });
  if (authors.length === 0 && !calls.some(mayHaveStored))
    fail("is stored, and no call knows of it", { booking, calls });
}

function mayHaveStored({ abortedBegun, error }: Call): boolean {
  if (abortedBegun !== undefined) return abortedBegun;
  return error instanceof DomainError && error.failure.reason === "OUTCOME_UNKNOWN";
}

/** A process serves requests in the order of their arrival, but for those that had to queue again. */
function checkOrder(calls: readonly Call[], database: FakeDatabase): void {
  for (const concertId of [1n, 2n]) {
    const last = new Map<string, number>();
    for (const call of calls) {
      const { request, answer, process } = call;
      if (request.concertId !== concertId || answer?.replayed !== false || mayHaveQueuedAgain(call)) continue;
      const at = database.history(concertId).findIndex(({ batch }) => {
        return batch && requestsOf(batch.writes).some((each) => isSameEffect(each, request));
      });
      if (at < (last.get(process) ?? 0)) fail("was served before an earlier request", call);
      last.set(process, at);
    }
  }
}

function mayHaveQueuedAgain({ submitted, settled }: Call): boolean {
  return submitted.lostAborts < (settled?.lostAborts ?? 0);
}

function isSameEffect(one: Command, other: Command): boolean {
  return one.kind === "book"
    ? other.kind === "book" && keyOf(one) === keyOf(other)
    : other.kind === "cancel" && one.bookingId === other.bookingId;
}

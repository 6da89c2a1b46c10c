/** Whether a run of the engines is right: what it stored, and what it answered, against the plain model. */
import { DomainError, type Failure, type Reason } from "../../../src/domain/failure.ts";
import {
  answerText,
  brokenInvariant,
  carryOutBatch,
  usersOverLimit,
  whyNotRecorded,
  whyNotStored,
} from "./batch-check.ts";
import { carryOut, type ReferenceAnswer, type ReferenceConcert } from "./booking-reference.ts";
import { type History, historyPolicy } from "./engine-histories.ts";
import type { Learning } from "./engine-processes.ts";
import type { Call, Reading, Run } from "./engine-run.ts";
import { type FakeDatabase, instantAt, type Moment, type Transaction } from "./fake-database.ts";
import { poisonedUser } from "./fake-rows.ts";
import { bookingInWords, concertInWords, keyOf, textOf } from "./words.ts";

/** How long a process may use what it has cached without asking the database. */
const memoryMs = 1_000;
const concertIds = [1n, 2n];

/** An answer that a transaction decided for a call. */
interface Decision {
  readonly transaction: Transaction;
  readonly answer: ReferenceAnswer;
}

/** Throws what is wrong with a run. */
export function checkRun(run: Run): void {
  const { history, database, calls, readings, idlings } = run;
  const possible = possibleTroubles(history);
  for (const concertId of concertIds)
    for (const moment of database.history(concertId)) refuse(brokenInvariant(moment), moment);
  const decisions = new Map<Call, Decision[]>();
  for (const concertId of concertIds) {
    for (const transaction of database.transactions(concertId)) checkTransaction(transaction, run, decisions);
    checkOrder(concertId, run);
  }
  for (const call of calls) {
    if (!call.settled) fail("has no answer", call);
    const effective = (decisions.get(call) ?? []).filter(({ transaction: { outcome } }) => outcome !== "aborted");
    if (effective.length > 1) fail("was decided in two transactions", call);
    checkAnswer(call, effective[0], database, possible);
  }
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

function refuse(problem: string | undefined, subject: unknown): void {
  if (problem !== undefined) fail(problem, subject);
}

/**
 * A transaction stores what the model stores for its calls, one after the other, on the concert as it was under the lock.
 * Notes the model's answers.
 */
function checkTransaction(transaction: Transaction, run: Run, decisions: Map<Call, Decision[]>): void {
  const { database, trackers } = run;
  const { process, query, now, before, after, effects } = transaction;
  const calls = trackers[process === "A" ? "A" : "B"].callsOf.get(query) ?? [];
  if (calls.length === 0) fail("a transaction has no calls", transaction);
  const history = database.history(query.concertId);
  const locked = history[before];
  if (!locked) fail("a transaction has no concert", transaction);
  const commands = calls.map(({ request }) => request);
  const model = carryOutBatch(locked, commands, now, historyPolicy);
  for (const [index, call] of calls.entries()) {
    const answer = model.steps[index]?.answer ?? fail("a call has no step", call);
    decisions.set(call, [...(decisions.get(call) ?? []), { transaction, answer }]);
  }
  if (transaction.outcome === "open") fail("a transaction is never over", transaction);
  if (transaction.outcome === "read only") refuse(whyNotStored(model, locked), transaction);
  const stored = after === undefined ? undefined : history[after];
  if (!stored || !effects) return;
  refuse(whyNotStored(model, stored), { transaction, commands });
  refuse(whyNotRecorded(model, effects), { transaction, commands });
  const over = usersOverLimit(locked, stored, commands);
  if (over.length > 0) fail("a batch brought users above the concert's limit", { over, transaction, commands });
}

/** A process serves calls in the order of their arrival. A call may queue again, but not before it has had its turn. */
function checkOrder(concertId: bigint, { database, trackers, calls }: Run): void {
  for (const [process, { callsOf }] of Object.entries(trackers)) {
    const own = database.transactions(concertId).filter((transaction) => transaction.process === process);
    const served = new Set(own.flatMap(({ query }) => callsOf.get(query) ?? []));
    const order = [...served].map((call) => calls.indexOf(call));
    if (order.some((at, index) => at < (order[index - 1] ?? 0))) fail("calls were served out of their order", order);
  }
}

/** The reasons of errors that do not depend on the concert's state. */
function possibleTroubles({ faults, maxQueuedRequests }: History): ReadonlySet<Reason> {
  const happened = new Set<string>(Object.values(faults).flat());
  const reasons = new Set<Reason>(["DEADLINE_EXCEEDED"]);
  if (happened.has("no lock") || maxQueuedRequests < 100) reasons.add("OVERLOADED");
  // Of a lost COMMIT, when the evidence cannot be read.
  const isLost = happened.has("lost, committed") || happened.has("lost, aborted");
  if (isLost && faults.settle?.some((fault) => fault !== "none")) reasons.add("OUTCOME_UNKNOWN");
  if (happened.size > (happened.has("none") ? 1 : 0)) reasons.add("DATABASE_UNAVAILABLE");
  return reasons;
}

function checkAnswer(
  call: Call,
  decision: Decision | undefined,
  database: FakeDatabase,
  possible: ReadonlySet<Reason>,
): void {
  const { request, answer, error, isDone } = call;
  if (answer) {
    const { value, replayed } = answer;
    checkStored(call);
    checkExplained(call, { booking: bookingInWords(value), replayed }, decision, database);
  } else if (isDone) checkExplained(call, { isDone }, decision, database);
  else if (!(error instanceof DomainError)) {
    if (!("userId" in request) || request.userId !== poisonedUser) fail("failed because of another request", call);
  } else if (!possible.has(error.failure.reason)) checkExplained(call, { failure: error.failure }, decision, database);
  else checkTrouble(call, error.failure, decision);
}

/** A call that was rejected without a decision has stored nothing, unless its outcome is unknown. */
function checkTrouble(call: Call, { reason }: Failure, decision: Decision | undefined): void {
  if (reason === "DEADLINE_EXCEEDED" && call.abortedBegun === undefined) fail("had time left", call);
  const isStored = decision && "booking" in decision.answer && !decision.answer.replayed;
  if (isStored && reason !== "OUTCOME_UNKNOWN") fail("was rejected, and is stored", call);
}

function checkExplained(
  call: Call,
  answer: ReferenceAnswer,
  decision: Decision | undefined,
  database: FakeDatabase,
): void {
  const { request, abortedBegun } = call;
  if (abortedBegun === false && "booking" in answer) fail("has an answer after it was rejected as not stored", call);
  if (decision) {
    if (answerText(decision.answer) !== answerText(answer)) fail(`is not ${answerText(decision.answer)}`, call);
    return;
  }
  const isWithoutConcert = !database.now(request.concertId);
  const missing = "bookingId" in request ? "BOOKING_NOT_FOUND" : "CONCERT_NOT_FOUND";
  if (isWithoutConcert && (request.kind === "expire" || ("failure" in answer && answer.failure.reason === missing)))
    return;
  if (!isRemembered(call, answer, database)) fail("is not explained", call);
}

/** An acknowledged booking is stored, and as it was acknowledged in all that never changes. */
function checkStored(call: Call): void {
  const { storedThen, answer } = call;
  if (!storedThen || !answer) fail("was acknowledged, and is not stored", call);
  const lasting = ({
    id,
    concertId,
    userId,
    requestId,
    requestedCount,
    bookingTime,
    createdAt,
    ...rest
  }: typeof storedThen) =>
    textOf({ id, concertId, userId, requestId, requestedCount, bookingTime, createdAt, currency: rest.currencyCode });
  if (lasting(storedThen) !== lasting(answer.value)) fail("was acknowledged as something else than is stored", call);
  const { totalPriceCents, unitPriceCents, ticketCount } = answer.value;
  if (totalPriceCents !== unitPriceCents * ticketCount) fail("has a wrong price", call);
}

/**
 * Whether an answer follows from the sold-out cache: within the last second the concert was sold out, no hold has come due
 * since, the process has learnt of no later moment, and the window is still open. A repeated key finds its booking.
 */
function isRemembered(call: Call, answer: ReferenceAnswer, database: FakeDatabase): boolean {
  const { request, submitted, settled, learnt } = call;
  if ((request.kind !== "book" && request.kind !== "hold") || !settled) return false;
  const history = database.history(request.concertId);
  const moments = history.slice(submitted.moment, settled.moment + 1);
  if ("booking" in answer) return moments.some((moment) => gives(wordsOf(moment), call, answer));
  const isStored = history[submitted.moment]?.bookings.some((each) => keyOf(each) === keyOf(request));
  if (isStored && request.hasOwnKey && !isReuse(answer)) return false;
  if (isReuse(answer)) return moments.some((moment) => gives(wordsOf(moment), call, answer));
  return history.some((moment, index) => {
    const untilMs = history[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    const isFresh = untilMs > submitted.ms - memoryMs && index >= lastLearnt(learnt) && index <= settled.moment;
    if (!isFresh || moment.concert.availableTickets > 0) return false;
    // What the user has is not read then.
    return gives({ ...wordsOf(moment), maxTicketsPerUser: undefined }, call, answer);
  });
}

function isReuse(answer: ReferenceAnswer): boolean {
  return "failure" in answer && answer.failure.reason === "REQUEST_ID_REUSED";
}

function wordsOf({ concert, bookings }: Moment): ReferenceConcert {
  return concertInWords(concert, bookings);
}

/** Whether the model gives the answer at the call's arrival or at its answer. */
function gives(state: ReferenceConcert, { request, submitted, settled }: Call, answer: ReferenceAnswer): boolean {
  const policy = { ...historyPolicy, maxHoldsPerUser: Number.POSITIVE_INFINITY };
  return [submitted.ms, settled?.ms ?? submitted.ms]
    .map((ms) => carryOut(state, request, instantAt(ms), policy).answer)
    .some((expected) => answerText(expected) === answerText(answer));
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
    return isFresh && textOf(moment.concert) === textOf(concert);
  });
  if (!isRight) fail("a read is too old", reading);
}

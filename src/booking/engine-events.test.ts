import { expect, test } from "vitest";
import { createStage, onSale, type StageOptions, verdict } from "../../test/support/booking/engine-stage.ts";
import {
  bookingRequest,
  cancelRequest,
  confirmRequest,
  exampleBooking,
  exampleHold,
  holdRequest,
  releaseRequest,
} from "../../test/support/booking/example-bookings.ts";
import { instantAt } from "../../test/support/booking/fake-database.ts";
import { poisonedUser } from "../../test/support/booking/fake-rows.ts";
import { openDeadline } from "../../test/support/database/store.ts";
import type { CallTrace } from "../domain/call-trace.ts";
import { bookingIdOf, concertIdOf } from "../domain/ids.ts";

const concertId = concertIdOf(1n);

let requests = 0;
const order = (ticketCount = 1) => bookingRequest({ concertId, ticketCount, requestId: `key ${++requests}` });

const sampled: CallTrace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", isSampled: true };

/** An engine whose events are collected, without those of each turn's start. */
function createObservedStage(options: StageOptions = {}) {
  const events: [name: string, event: unknown][] = [];
  const publish: StageOptions["publish"] = (name, event) => {
    if (name !== "booking.turn_started") events.push([name, event]);
  };
  return { ...createStage({ ...options, publish }), events };
}

test("a batch publishes what it decided and how long it held the lock", async () => {
  const concerts = [onSale(concertId, 1, [exampleBooking])];
  const { submit, hold, clock, events } = createObservedStage({ concerts });
  const release = hold("A reads");
  const answers = [order(4), cancelRequest({ concertId }), order(3)].map((command) => verdict(submit(command)));
  clock.nowMs += 5;
  release();
  expect(await Promise.all(answers)).toEqual(["INSUFFICIENT_TICKETS", "OK", "OK"]);
  const none = { booked: 0, held: 0, confirmed: 0, released: 0, expired: 0, cancelled: 0 };
  const decided = { concertId, requests: 1, ...none, refused: 1, lockHeldMs: 0, commitMs: undefined };
  expect(events).toEqual([
    ["booking.batch_decided", { ...decided, lockWaitMs: 5 }],
    [
      "booking.batch_decided",
      { ...decided, requests: 2, booked: 1, cancelled: 1, refused: 0, lockWaitMs: 0, commitMs: 0 },
    ],
  ]);
});

test("a batch publishes how many holds it made, confirmed, released and expired", async () => {
  const hold = (id: bigint, endMs: number) => {
    const userId = `user ${id}`;
    return { ...exampleHold, id: bookingIdOf(id), userId, requestId: userId, holdExpiresTime: instantAt(endMs) };
  };
  const stored = [hold(1n, 500), hold(2n, 60_000), hold(3n, 60_000)];
  const { submit, hold: gate, events } = createObservedStage({ concerts: [onSale(concertId, 4, stored)] });
  const release = gate("A reads");
  const commands = [
    order(5),
    holdRequest({ concertId, requestId: "new" }),
    confirmRequest({ concertId, bookingId: 2n, userId: "user 2" }),
    releaseRequest({ concertId, bookingId: 3n, userId: "user 3" }),
  ];
  const answers = commands.map((command) => verdict(submit(command)));
  release();
  expect(await Promise.all(answers)).toEqual(["OK", "INSUFFICIENT_TICKETS", "OK", "OK"]);
  expect(events).toMatchObject([
    ["booking.batch_decided", { booked: 1, held: 0, expired: 1, refused: 0 }],
    ["booking.batch_decided", { booked: 0, held: 0, confirmed: 1, released: 1, expired: 0, refused: 1 }],
  ]);
});

test("a batch that is retried, and one that fails, publish the error", async () => {
  const faults = { open: ["broken", "broken", "broken"] } as const;
  const { submit, events } = createObservedStage({ faults, maxRetries: 2 });
  expect(await verdict(submit(order()))).toBe("DATABASE_UNAVAILABLE");
  const error = new Error("Connection terminated unexpectedly");
  const failed = { concertId, requests: 1, error, lockWaitMs: 0, batchTrace: undefined };
  expect(events).toEqual([
    ["booking.batch_retried", { ...failed, attempt: 1 }],
    ["booking.batch_retried", { ...failed, attempt: 2 }],
    ["booking.batch_failed", failed],
  ]);
});

const oneBooked = { booked: 1, held: 0, confirmed: 0, released: 0, expired: 0, cancelled: 0, refused: 0 };

test.each([
  { commit: "lost, committed", outcome: "committed", settled: { changes: oneBooked } },
  { commit: "lost, aborted", outcome: "aborted", settled: {} },
] as const)("a commit in doubt publishes that it was $outcome", async ({ commit, outcome, settled }) => {
  const { submit, events } = createObservedStage({ faults: { commit: [commit] } });
  expect(await verdict(submit(order()))).toBe("OK");
  expect(events.slice(0, 2)).toEqual([
    ["booking.commit_in_doubt", { concertId, requests: 1, error: expect.any(Error), lockWaitMs: 0 }],
    ["booking.commit_settled", { concertId, outcome, ...settled }],
  ]);
});

test("a batch that is halved publishes its own end, and those of its halves", async () => {
  const { submit, hold, events } = createObservedStage();
  const release = hold("A reads");
  const answers = [order(), { ...order(), userId: poisonedUser }, order()].map((command) => verdict(submit(command)));
  release();
  await Promise.all(answers);
  expect(events).toMatchObject([
    ["booking.batch_decided", { requests: 1 }],
    ["booking.batch_halved", { requests: 2, lockWaitMs: 0 }],
    ["booking.batch_failed", { requests: 1 }],
    ["booking.batch_decided", { requests: 1 }],
  ]);
});

test("a batch of a concert that does not exist publishes that it was not found", async () => {
  const { submit, events } = createObservedStage();
  const unknown = bookingRequest({ concertId: concertIdOf(404n), requestId: "unknown" });
  expect(await verdict(submit(unknown))).toBe("CONCERT_NOT_FOUND");
  const attempt = { requests: 1, lockWaitMs: 0, batchTrace: undefined };
  expect(events).toEqual([["booking.concert_not_found", { concertId: concertIdOf(404n), ...attempt }]]);
});

test("a turn that is refused from the sold-out cache publishes one event", async () => {
  const { submit, events } = createObservedStage({ concerts: [onSale(concertId, 0)] });
  await verdict(submit(order()));
  events.length = 0;
  await Promise.all([order(), order(), order()].map((command) => verdict(submit(command))));
  expect(events).toEqual([["booking.sold_out_refused", { concertId, requests: 3 }]]);
});

test("a request that finds the queue full publishes an event", async () => {
  const { submit, events } = createObservedStage({ maxQueuedRequests: 0 });
  expect(await verdict(submit(order(), openDeadline()))).toBe("OVERLOADED");
  expect(events).toEqual([["booking.overloaded", { concertId }]]);
});

test("the events of a turn and its batch name the calls that are traced, with the instants of their spans", async () => {
  const events: [name: string, event: unknown][] = [];
  const publish: StageOptions["publish"] = (name, event) => events.push([name, event]);
  const { submit, hold, clock } = createStage({ publish });
  const release = hold("A reads");
  const first = verdict(submit(order(), { ...openDeadline(), trace: sampled }));
  clock.nowMs += 5;
  release();
  await first;
  const queued = { trace: sampled, queuedAtMs: 1_000 };
  const flights = { askedAtMs: 1_000, lockedAtMs: 1_005, sentAtMs: 1_005, committedAtMs: 1_005 };
  expect(events).toMatchObject([
    ["booking.turn_started", { requests: 1, traced: [queued] }],
    ["booking.batch_decided", { requests: 1, batchTrace: { traces: [sampled], ...flights } }],
  ]);
});

test("the events of a batch that fails or is in doubt name the calls that are traced", async () => {
  const faults = { open: ["broken", "broken"], commit: ["lost, aborted"] } as const;
  const { submit, events } = createObservedStage({ faults, maxRetries: 1 });
  await verdict(submit(order(), { ...openDeadline(), trace: sampled }));
  await verdict(submit(order(), { ...openDeadline(), trace: sampled }));
  expect(events.slice(0, 3)).toMatchObject([
    ["booking.batch_retried", { batchTrace: { traces: [sampled], askedAtMs: 1_000 } }],
    ["booking.batch_failed", { batchTrace: { traces: [sampled], askedAtMs: 1_000 } }],
    ["booking.commit_in_doubt", { batchTrace: { traces: [sampled], sentAtMs: 1_000 } }],
  ]);
});

test("calls that are not sampled are left out", async () => {
  const { submit, events } = createObservedStage();
  await verdict(submit(order(), { ...openDeadline(), trace: { ...sampled, isSampled: false } }));
  expect(events).toMatchObject([["booking.batch_decided", { batchTrace: undefined }]]);
});

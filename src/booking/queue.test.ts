import { describe, expect, test } from "vitest";
import { bookingRequest } from "../../test/support/booking/example-bookings.ts";
import { openDeadline } from "../../test/support/database/store.ts";
import type { Publish } from "../domain/publish.ts";
import type { BookingEvents } from "./events.ts";
import { ConcertQueues, createTasks, type QueueOptions } from "./queue.ts";

const outcomeOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function createStage(runTurn: QueueOptions["runTurn"]) {
  const clock = { timeMs: 1_000, nowMs: () => clock.timeMs };
  const tasks = createTasks();
  const events: BookingEvents["booking.turn_started"][] = [];
  const publish: Publish<BookingEvents> = (name, event) => {
    if (name === "booking.turn_started") events.push(event as BookingEvents["booking.turn_started"]);
  };
  const queues = new ConcertQueues({ maxTurns: 1, runTurn, tasks, publish, clock });
  const outcomes: string[] = [];
  const add = () => void queues.add(bookingRequest(), openDeadline()).catch((error) => outcomes.push(outcomeOf(error)));
  return { clock, tasks, events, queues, outcomes, add };
}

test("a turn publishes how many requests it took, how many stay, and when each was queued", async () => {
  const turn = Promise.withResolvers<void>();
  const { clock, tasks, events, queues, add } = createStage(async (_, takeBatch) => {
    takeBatch();
    await turn.promise;
  });
  add();
  for (let count = 0; count < 65; count++) {
    add();
    clock.timeMs++;
  }
  expect(queues.queuedJobs).toBe(65);
  turn.resolve();
  await tasks.ended();
  const { concertId } = bookingRequest();
  expect(events).toMatchObject([
    { concertId, requests: 1, queued: 0, takenAtMs: 1_000 },
    { concertId, requests: 64, queued: 1, takenAtMs: 1_065 },
    { concertId, requests: 1, queued: 0, takenAtMs: 1_065 },
  ]);
  const instants = events.flatMap(({ jobs }) => jobs.map(({ queuedAtMs }) => queuedAtMs - 1_000));
  expect(instants).toEqual([0, ...Array.from({ length: 65 }, (_, index) => index)]);
});

test("a turn that throws rejects the jobs that it took, and the next turn follows", async () => {
  let turns = 0;
  const { tasks, outcomes, add } = createStage(async (_, takeBatch) => {
    takeBatch();
    if (++turns === 1) throw new Error("no turn");
  });
  add();
  add();
  await tasks.ended();
  expect({ turns, outcomes }).toEqual({ turns: 2, outcomes: ["no turn"] });
});

test("a turn that throws before it takes a batch rejects the jobs that wait", async () => {
  let turns = 0;
  const { tasks, queues, outcomes, add } = createStage(async (_, takeBatch) => {
    // Bounded, so that a queue that repeats the turn fails this test and does not block the process.
    if (++turns < 5) throw new Error("no turn");
    takeBatch();
  });
  add();
  await tasks.ended();
  expect({ turns, outcomes, queued: queues.queuedJobs }).toEqual({ turns: 1, outcomes: ["no turn"], queued: 0 });
});

describe("the queues' invariants", () => {
  test("a job that is put back twice is not decided twice", async () => {
    const { tasks, queues, outcomes, add } = createStage(async (_, takeBatch) => {
      const jobs = takeBatch();
      queues.putBack([...jobs, ...jobs]);
    });
    add();
    await tasks.ended();
    expect(outcomes).toEqual(["a job is put back twice"]);
    expect(queues.queuedJobs).toBe(0);
  });

  test("a turn that takes a second batch rejects the jobs of its first", async () => {
    const { tasks, queues, outcomes, add } = createStage(async (_, takeBatch) => {
      takeBatch();
      takeBatch();
    });
    add();
    await tasks.ended();
    expect(outcomes).toEqual(["a turn takes a second batch"]);
    expect(queues.queuedJobs).toBe(0);
  });
});

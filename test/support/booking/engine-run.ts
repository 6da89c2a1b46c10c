/** Runs a history on the real engines with a fake database, clock and scheduler, and records the outcomes. */
import type fc from "fast-check";
import type { Command } from "../../../src/booking/commands.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Replayable } from "../../../src/domain/change.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import type { ChangeDeadline } from "../../../src/domain/deadline.ts";
import { openDeadline } from "../database/store.ts";
import type { BatchTracker } from "./batch-tracker.ts";
import type { Action, History, Process } from "./engine-histories.ts";
import { processes } from "./engine-histories.ts";
import { createProcesses, type Learning } from "./engine-processes.ts";
import { commandOf } from "./engine-requests.ts";
import { type FakeDatabase, withMoreTickets } from "./fake-database.ts";

/** A place in a run: the clock, and the moment of the concert's history. */
export interface Place {
  readonly ms: number;
  readonly moment: number;
  /** How many transactions were aborted by then with COMMIT's answer lost. */
  readonly lostAborts: number;
}

/** A call of a client, and its outcome. */
export interface Call {
  readonly process: Process;
  readonly request: Command;
  readonly submitted: Place;
  /** What the process had learnt of the concert when the call arrived. */
  readonly learnt: readonly Learning[];
  readonly deadline: ReturnType<typeof openDeadline>;
  /** Whether the work of the call had begun when it was aborted before its answer. */
  abortedBegun?: boolean;
  settled?: Place;
  answer?: Replayable<Booking>;
  /** Whether the service's own command is carried out. */
  isDone?: boolean;
  error?: unknown;
  /** The answer's booking as it was stored when the answer came. */
  storedThen?: Booking | undefined;
}

/** A read through a process's cache. */
export interface Reading {
  readonly concertId: bigint;
  readonly asked: Place;
  /** When the read began that was under way by then, if there was one. */
  readonly underWaySinceMs: number | undefined;
  readonly learnt: readonly Learning[];
  readonly answered: Place;
  readonly learntByAnswer: readonly Learning[];
  readonly concert: Concert | undefined;
}

/** A wait until a process was idle, and the earlier calls that had no answer when it ended. */
interface Idling {
  readonly unanswered: readonly Call[];
}

export interface Run {
  readonly history: History;
  readonly database: FakeDatabase;
  readonly trackers: Readonly<Record<Process, BatchTracker<Call>>>;
  readonly calls: readonly Call[];
  readonly readings: readonly Reading[];
  readonly idlings: readonly Idling[];
}

/** A run while it goes on. */
interface World extends ReturnType<typeof createProcesses<Call>> {
  readonly clock: { nowMs: number };
  readonly calls: Call[];
  /** Resolves when the call's answer is noted. */
  readonly answered: Map<Call, Promise<void>>;
  readonly readings: Reading[];
  readonly idlings: Idling[];
}

export async function carryOutHistory(history: History, scheduler: fc.Scheduler): Promise<Run> {
  // Not 0, which means "never" to the cache's library.
  const clock = { nowMs: 1_000 };
  const step = (label: string) => scheduler.schedule(Promise.resolve(), label);
  const processesOfRun = createProcesses<Call>(history, () => clock.nowMs, step);
  const world: World = { ...processesOfRun, clock, calls: [], answered: new Map(), readings: [], idlings: [] };
  const clients = history.clients.map(async (actions, client) => {
    let lastCall: Call | undefined;
    for (const action of actions) {
      await step(`client ${client}: ${describe(action)}`);
      lastCall = (await act(world, action, lastCall)) ?? lastCall;
    }
  });
  await drain(scheduler);
  await withinReason(Promise.all([...clients, ...processes.map((process) => world.services[process].engine.idle())]));
  const trackers = { A: world.services.A.tracker, B: world.services.B.tracker };
  return { history, ...world, trackers };
}

function placeOf({ database, clock }: World, concertId: bigint): Place {
  const moment = database.history(concertId).length - 1;
  return { ms: clock.nowMs, moment, lostAborts: database.lostAborts() };
}

function submit(world: World, process: Process, request: Command): Call {
  const { database, services, calls, answered } = world;
  const { engine, learnt, learn, tracker } = services[process];
  const { concertId } = request;
  const deadline = openDeadline();
  const tracked: ChangeDeadline = {
    ...{ signal: deadline.signal, expiresAtMs: deadline.expiresAtMs },
    onProgress: (progress) => {
      deadline.onProgress(progress);
      if (progress === "begun") tracker.noteBegun(concertId, call);
    },
  };
  const call: Call = { process, request, deadline, submitted: placeOf(world, concertId), learnt: learnt(concertId) };
  const noteAnswer = (answer: Replayable<Booking>) => {
    call.answer = answer;
    const { id, updatedAt } = answer.value;
    call.storedThen = database.now(concertId).bookings.find((each) => each.id === id);
    // From now on the client expects to see what it wrote through this process.
    if (!answer.replayed) learn(concertId, (each) => each.id === id && each.updatedAt.equals(updatedAt));
  };
  const noteError = (error: unknown) => {
    call.error = error;
  };
  const noteTime = () => {
    call.settled = placeOf(world, concertId);
  };
  calls.push(call);
  const outcome =
    request.kind === "expire"
      ? engine.expireHolds(concertId, tracked).then(() => {
          call.isDone = true;
        })
      : engine.submit(request, tracked).then(noteAnswer);
  answered.set(call, outcome.catch(noteError).then(noteTime));
  return call;
}

/** Does what a client does next. The call, if it is one. */
async function act(world: World, action: Action, lastCall: Call | undefined): Promise<Call | undefined> {
  const { database, services, calls } = world;
  switch (action.kind) {
    case "book":
    case "hold":
    case "confirm":
    case "release":
    case "extend":
    case "cancel":
    case "sweep": {
      const command = commandOf(action, calls.length, database);
      return command && submit(world, action.process, command);
    }
    case "abort": {
      const open = calls.filter((call) => !call.settled && call.abortedBegun === undefined);
      const call = open[action.choice % Math.max(1, open.length)];
      if (call) call.abortedBegun = call.deadline.progress === "begun";
      call?.deadline.pass();
      return undefined;
    }
    case "await":
      await (lastCall && world.answered.get(lastCall));
      return undefined;
    case "read":
      await read(world, action.process, action.concertId);
      return undefined;
    case "change total":
      await services[action.process].change(action.concertId, (concert) => withMoreTickets(concert, action.by));
      return undefined;
    case "change limit":
      await services[action.process].change(action.concertId, (concert) => {
        return { ...concert, maxTicketsPerUser: action.to };
      });
      return undefined;
    case "pass":
      world.clock.nowMs += action.ms;
      return undefined;
    case "idle":
      await waitUntilIdle(world, action.process);
      return undefined;
  }
}

async function read(world: World, process: Process, concertId: bigint): Promise<void> {
  const service = world.services[process];
  const [asked, learnt] = [placeOf(world, concertId), service.learnt(concertId)];
  const underWaySinceMs = service.reads.get(concertId);
  const concert = await service.read(concertId);
  const [answered, learntByAnswer] = [placeOf(world, concertId), service.learnt(concertId)];
  world.readings.push({ concertId, asked, underWaySinceMs, learnt, answered, learntByAnswer, concert });
}

async function waitUntilIdle({ services, calls, idlings }: World, process: Process): Promise<void> {
  const before = calls.filter((call) => call.process === process);
  await services[process].engine.idle();
  // A promise's own callbacks come a turn or two after what it resolves with.
  await Promise.resolve();
  idlings.push({ unanswered: before.filter((call) => !call.settled) });
}

function describe(action: Action): string {
  return Object.values(action).join(" ");
}

/** Runs the scheduled steps one at a time, each when all consequences of the one before have happened. */
async function drain(scheduler: fc.Scheduler): Promise<void> {
  for (;;) {
    await new Promise(setImmediate);
    if (scheduler.count() === 0) return;
    await scheduler.waitNext(1);
  }
}

/** Rejects if the work is not done when nothing is scheduled any more: then nothing would ever finish it. */
async function withinReason(work: Promise<unknown>): Promise<void> {
  const late = new Promise((resolve) => setImmediate(resolve)).then(() => new Promise(setImmediate)).then(() => "late");
  if ((await Promise.race([work, late])) === "late")
    throw new Error("something is still under way, and nothing moves it");
}

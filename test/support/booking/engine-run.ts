/** Runs a history on the real engines with a fake database, clock and scheduler, and records the outcomes. */
import type fc from "fast-check";
import type { BookCommand, CancelCommand, Command } from "../../../src/booking/commands.ts";
import { createBookingEngine } from "../../../src/booking/engine.ts";
import { createConcertCache } from "../../../src/concerts/cache.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Actor, Replayable } from "../../../src/domain/change.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import { type ConcertId, concertIdOf } from "../../../src/domain/ids.ts";
import { openDeadline } from "../database/store.ts";
import type { Action, History, Process } from "./engine-histories.ts";
import { processes, ticketLimit } from "./engine-histories.ts";
import { createFakeDatabase, type FakeDatabase } from "./fake-database.ts";

/** A place in a run: the clock, and the moment of the concert's history. */
export interface Place {
  readonly ms: number;
  readonly moment: number;
  /** How many transactions were aborted by then with COMMIT's answer lost. */
  readonly lostAborts: number;
}

/** A process learns the state of a concert at a moment. */
export interface Learning {
  readonly concertId: bigint;
  readonly moment: number;
  readonly ms: number;
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
  readonly calls: readonly Call[];
  readonly readings: readonly Reading[];
  readonly idlings: readonly Idling[];
}

/** A run while it goes on. */
interface World extends ReturnType<typeof createProcesses> {
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
  const processesOfRun = createProcesses(history, () => clock.nowMs, step);
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
  return { history, ...world };
}

function placeOf({ database, clock }: World, concertId: bigint): Place {
  const moment = database.history(concertId).length - 1;
  return { ms: clock.nowMs, moment, lostAborts: database.lostAborts() };
}

function submit(world: World, process: Process, request: Command): Call {
  const { database, services, calls, answered } = world;
  const { engine, learnt, learn } = services[process];
  const { concertId } = request;
  const deadline = openDeadline();
  const call: Call = { process, request, deadline, submitted: placeOf(world, concertId), learnt: learnt(concertId) };
  const noteAnswer = (answer: Replayable<Booking>) => {
    call.answer = answer;
    const { id, status } = answer.value;
    call.storedThen = database.now(concertId).bookings.find((each) => each.id === id);
    // From now on the client expects to see what it wrote through this process.
    if (!answer.replayed) learn(concertId, (each) => each.id === id && each.status === status);
  };
  const noteError = (error: unknown) => {
    call.error = error;
  };
  const noteTime = () => {
    call.settled = placeOf(world, concertId);
  };
  calls.push(call);
  answered.set(call, engine.submit(request, deadline).then(noteAnswer, noteError).then(noteTime));
  return call;
}

/** Does what a client does next. The call, if it is one. */
async function act(world: World, action: Action, lastCall: Call | undefined): Promise<Call | undefined> {
  const { database, services, calls } = world;
  switch (action.kind) {
    case "book":
      return submit(world, action.process, bookingRequestOf(action, calls.length));
    case "cancel": {
      const request = cancelRequestOf(action, calls.length, database);
      return request && submit(world, action.process, request);
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
      await services[action.process].changeTotal(action.concertId, action.by);
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

/** The engines and caches of two processes on one database, wired as `app.ts` wires them. */
function createProcesses(history: History, clockMs: () => number, step: (label: string) => Promise<void>) {
  const momentOf = (concertId: bigint) => database.history(concertId).length - 1;
  /** By process and concert, the moment that its last transaction saw or made. */
  const touched = new Map<string, number>();
  const database = createFakeDatabase({
    ...{ concerts: history.concerts, clockMs, step, faults: history.faults },
    onEffect: (process, concertId) => touched.set(`${process} ${concertId}`, momentOf(concertId)),
  });

  const createProcess = (process: Process) => {
    const { maxQueuedRequests, maxConcurrentBatches, maxRetries } = history;
    const cache = createConcertCache({ clock: { nowMs: clockMs }, maxConcerts: 4, maxPages: 1 });
    const learnt: Learning[] = [];
    const reads = new Map<bigint, number>();
    const concertChanged = (concertId: ConcertId, concert: Concert | undefined) => {
      cache.concertChanged(concertId, concert);
      // Without the concert, the process forgets what it had learnt.
      const moment = concert ? (touched.get(`${process} ${concertId}`) ?? 0) : momentOf(concertId);
      learnt.push({ concertId, moment, ms: clockMs() });
    };
    const engine = createBookingEngine(database.batches(process), {
      policy: { maxTicketsPerBooking: ticketLimit },
      ...{ maxQueuedRequests, maxConcurrentBatches, maxRetries, concertChanged, clock: { nowMs: clockMs } },
      wait: () => step(`${process} backs off`),
      readPending: () => step(`${process} reads what is pending`),
    });
    return {
      engine,
      learn: (concertId: bigint, isStored: (booking: Booking) => boolean) => {
        const moment = database.history(concertId).findIndex(({ bookings }) => bookings.some(isStored));
        learnt.push({ concertId, moment, ms: clockMs() });
      },
      learnt: (concertId: bigint) => learnt.filter((each) => each.concertId === concertId),
      reads,
      read: (concertId: bigint) =>
        cache.concert(concertIdOf(concertId), async () => {
          reads.set(concertId, clockMs());
          await step(`${process} reads for its cache`);
          const { concert } = database.now(concertId) ?? {};
          await step(`${process} has read for its cache`);
          reads.delete(concertId);
          return concert;
        }),
      changeTotal: async (concertId: bigint, by: number) => {
        await database.changeTotal(concertId, by);
        await step(`${process} learns that the total is changed`);
        engine.concertChanged(concertIdOf(concertId));
        concertChanged(concertIdOf(concertId), undefined);
      },
    };
  };
  return { database, services: { A: createProcess("A"), B: createProcess("B") } };
}

/** Each call has a different actor, so that no act can be recorded for another call's. */
function actorOf(call: number): Actor {
  return { subject: `caller ${call}`, address: undefined };
}

function bookingRequestOf(action: Action & { kind: "book" }, call: number): BookCommand {
  const { kind, userId, ticketCount, requestId = `made for call ${call}` } = action;
  const concertId = concertIdOf(action.concertId);
  const hasOwnKey = action.requestId !== undefined;
  return { kind, concertId, userId, ticketCount, requestId, hasOwnKey, actor: actorOf(call) };
}

/** A cancel of a booking that is stored by now; undefined if there is no such concert. */
function cancelRequestOf(
  action: Action & { kind: "cancel" },
  call: number,
  database: FakeDatabase,
): CancelCommand | undefined {
  const { kind, requestId } = action;
  const concertId = concertIdOf(action.concertId);
  const { bookings } = database.now(concertId) ?? { bookings: [] };
  const booking = bookings[action.choice % bookings.length];
  if (!booking) return undefined;
  const userId = action.isOwner ? booking.userId : "mallory";
  return { kind, concertId, bookingId: booking.id, userId, requestId, actor: actorOf(call) };
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

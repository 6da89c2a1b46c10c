/** Random histories against a plain model: one call after the other, and many calls at once. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bookingIdOf } from "../src/domain/ids.ts";
import { anyCommand, bookingFor, type Command, callFor, hotCommand, users } from "./support/booking/histories.ts";
import {
  type Answer,
  bookingIn,
  type Call,
  carryOut,
  copyOf,
  emptyWorld,
  isAnswer,
  makeDue,
  modelPolicy,
  type World,
} from "./support/booking/model.ts";
import { idOf, modelState, readState, send } from "./support/booking/model-service.ts";
import { makeDue as makeStoredDue } from "./support/database/holds.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService } from "./support/service/service.ts";

/** To repeat a run: `TEST_SEED=... vitest run test/model.test.ts`. */
const seed = Number(process.env.TEST_SEED ?? Math.trunc(Math.random() * 2 ** 31));
/** Shrinking a failure ends in time for its report. */
const limits = { seed, interruptAfterTimeLimit: 20_000 };

let service: TestService;
let client: ProtocolClient;

beforeAll(async () => {
  process.stderr.write(`tests: histories of seed ${seed}\n`);
  service = await startTestService({
    APP_MAX_TICKETS_PER_BOOKING: String(modelPolicy.maxTicketsPerBooking),
    APP_MAX_HOLDS_PER_USER: String(modelPolicy.maxHoldsPerUser),
  });
  client = createProtocolClient("Connect JSON", service.baseUrl);
});
afterAll(() => service?.close());

/** Begins a history with an empty database and a concert, which most commands need. */
async function begin(totalTickets: number): Promise<World> {
  await service.database.clear();
  const world = emptyWorld();
  const rules = { maxTicketsPerUser: 0, requiresPayment: false };
  const description = { totalTickets, priceCents: 1_050, window: "open", ...rules } as const;
  await check(world, { kind: "create", requestId: "", description });
  return world;
}

/** Sends a call and compares the response with the model's. */
async function check(world: World, call: Call): Promise<void> {
  const answer = await send(client, call);
  const expected = carryOut(world, call, idOf(answer));
  expect({ call, answer }).toEqual({ call, answer: isAnswer(answer, expected) ? answer : expected });
}

/** Moves the end of a hold into the past, and lets a batch find that. */
async function comeDue(world: World, id: bigint): Promise<void> {
  const hold = bookingIn(world, id);
  if (hold?.status !== "held") return;
  makeDue(world, id);
  await makeStoredDue(service.database, { id: bookingIdOf(id) });
  await check(world, { kind: "release", id, userId: hold.userId });
}

async function checkState(world: World): Promise<void> {
  expect(await readState(client, world, users)).toEqual(modelState(world, users));
  await service.database.checkInvariants();
}

async function runHistory(commands: readonly Command[]): Promise<void> {
  const world = await begin(12);
  const calls: Call[] = [];
  for (const command of commands) {
    if (command.kind === "come due") {
      await comeDue(world, bookingFor(command, world));
      continue;
    }
    const call = callFor(command, world, calls);
    calls.push(call);
    await check(world, call);
  }
  await checkState(world);
}

test("every response and the final state equal the model's", async () => {
  const histories = fc.array(anyCommand, { minLength: 1, maxLength: 60, size: "max" });
  await fc.assert(fc.asyncProperty(histories, runHistory), { ...limits, numRuns: 30 });
});

type HotCommand = Exclude<Command, { kind: "come due" }>;

/** A call that was sent with others at once, and its answer. */
interface Answered {
  readonly call: Call;
  readonly answer: Answer;
}

/** The world after the calls in some order in which the model gives the same answers; undefined if there is none. */
function explain(world: World, answered: readonly Answered[]): World | undefined {
  if (answered.length === 0) return world;
  for (const [index, { call, answer }] of answered.entries()) {
    // In the same batch as the call before, or in a later one.
    for (const laterMs of [0, 1]) {
      const next = copyOf(world);
      if (!isAnswer(answer, carryOut(next, call, idOf(answer), laterMs))) continue;
      const explained = explain(next, answered.toSpliced(index, 1));
      if (explained) return explained;
    }
  }
  return undefined;
}

async function runBatches(batches: readonly (readonly HotCommand[])[]): Promise<void> {
  let world = await begin(8);
  const sent: Call[] = [];
  for (const batch of batches) {
    const before = world;
    // A repeated call may be one of the same batch.
    for (const command of batch) sent.push(callFor(command, before, sent));
    const calls = sent.slice(-batch.length);
    const answers = await Promise.all(calls.map(async (call) => ({ call, answer: await send(client, call) })));
    const explained = explain(world, answers);
    if (!explained) throw new Error(`no order of the calls explains the answers ${fc.stringify(answers)}`);
    world = explained;
    await checkState(world);
  }
}

test("the responses to calls sent at once equal the model's in some order of the calls", async () => {
  const batch = fc.array(hotCommand, { minLength: 2, maxLength: 8, size: "max" });
  const batches = fc.array(batch, { minLength: 1, maxLength: 6, size: "max" });
  await fc.assert(fc.asyncProperty(batches, runBatches), { ...limits, numRuns: 40 });
});

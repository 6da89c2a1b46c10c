/** Random histories against a plain model: one call after the other, and many at once. */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anyCommand, type Command, callFor, createNames, hotCommand, type Names } from "./support/histories.ts";
import { type Answer, type Call, carryOut, emptyWorld, ticketLimit, type World } from "./support/model.ts";
import { idOf, modelState, readState, send } from "./support/model-service.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";

/** To repeat a run: `TEST_SEED=... vitest run test/model.test.ts`. */
const seed = Number(process.env.TEST_SEED ?? Math.trunc(Math.random() * 2 ** 31));
/** Shrinking a failure ends in time for its report. */
const limits = { seed, interruptAfterTimeLimit: 20_000 };

let service: TestService;
let client: ProtocolClient;

beforeAll(async () => {
  service = await startTestService({ APP_MAX_TICKETS_PER_BOOKING: String(ticketLimit) });
  client = createProtocolClient("Connect JSON", service.baseUrl);
});
afterAll(() => service?.close());

/** A history's beginning: most commands need a concert. */
async function begin(names: Names, totalTickets: number): Promise<World> {
  const world = emptyWorld();
  const description = { totalTickets, priceCents: 1_050, window: "open" } as const;
  await check(world, { kind: "create", requestId: names.key(0), description });
  return world;
}

/** Sends a call and holds the answer to the model's. */
async function check(world: World, call: Call): Promise<void> {
  const answer = await send(client, call);
  expect({ call, answer }).toEqual({ call, answer: carryOut(world, call, idOf(answer)) });
}

async function checkState(world: World, { users }: Names): Promise<void> {
  expect(await readState(client, world, users)).toEqual(modelState(world, users));
  await service.database.checkInvariants();
}

async function runHistory(commands: readonly Command[]): Promise<void> {
  const names = createNames(randomUUID());
  const world = await begin(names, 12);
  const calls: Call[] = [];
  for (const command of commands) {
    const call = callFor(command, world, names, calls);
    calls.push(call);
    await check(world, call);
  }
  await checkState(world, names);
}

test(`every answer and the final state are the model's (seed ${seed})`, async () => {
  const histories = fc.array(anyCommand, { minLength: 20, maxLength: 40, size: "max" });
  await fc.assert(fc.asyncProperty(histories, runHistory), { ...limits, numRuns: 30 });
});

/** A call that was sent with others at once, and its answer. */
interface Answered {
  readonly call: Call;
  readonly answer: Answer;
}

/** The world after the calls in some order in which the model gives the same answers; undefined if there is none. */
function explain(world: World, answered: readonly Answered[]): World | undefined {
  if (answered.length === 0) return world;
  for (const [index, { call, answer }] of answered.entries()) {
    const next = { concerts: new Map(world.concerts), bookings: new Map(world.bookings) };
    if (!isDeepStrictEqual(carryOut(next, call, idOf(answer)), answer)) continue;
    const explained = explain(next, answered.toSpliced(index, 1));
    if (explained) return explained;
  }
  return undefined;
}

async function runBatches(batches: readonly (readonly Command[])[]): Promise<void> {
  const names = createNames(randomUUID());
  let world = await begin(names, 8);
  for (const batch of batches) {
    const before = world;
    const calls = batch.map((command) => callFor(command, before, names, []));
    const answers = await Promise.all(calls.map(async (call) => ({ call, answer: await send(client, call) })));
    const explained = explain(world, answers);
    if (!explained) throw new Error(`no order of the calls explains the answers ${fc.stringify(answers)}`);
    world = explained;
    await checkState(world, names);
  }
}

test(`calls sent at once are answered as in some order of them (seed ${seed})`, async () => {
  const batch = fc.array(hotCommand, { minLength: 6, maxLength: 8, size: "max" });
  const batches = fc.array(batch, { minLength: 2, maxLength: 4, size: "max" });
  await fc.assert(fc.asyncProperty(batches, runBatches), { ...limits, numRuns: 30 });
});

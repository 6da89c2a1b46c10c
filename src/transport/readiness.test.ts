import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Health } from "../domain/health.ts";
import { createReadiness, type Readiness, type ReadinessState } from "./readiness.ts";

const second = 1_000;
let readiness: Readiness;
let changes: ReadinessState[];
let published: string[];
/** What the database does when probed. */
let database: () => Promise<Health>;
let probes: number;

const answers = () => Promise.resolve<Health>({ isGood: true });
const readOnly = { isGood: false, reason: "the database only reads", cause: new Error("a standby") } as const;
const refuses = () => Promise.resolve<Health>(readOnly);
const fails = () => Promise.reject(new Error("connection refused"));
const hangs = () => new Promise<Health>(() => {});

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * second);

beforeEach(() => {
  vi.useFakeTimers();
  database = answers;
  probes = 0;
  changes = [];
  published = [];
  readiness = createReadiness({
    probe: () => {
      probes += 1;
      return database();
    },
    now: () => Date.now(),
    publish: (_name, event) => "state" in event && published.push(event.reason ?? event.state),
  });
  readiness.onChange((state) => changes.push(state));
});

afterEach(() => {
  readiness.close();
  vi.useRealTimers();
});

test("is starting, and sends no probes, until it has started", async () => {
  await pass(60);
  expect([readiness.state, probes]).toEqual(["starting", 0]);
  await readiness.started();
  expect([readiness.state, probes]).toEqual(["ready", 1]);
  await pass(5);
  expect(probes).toBe(6);
  expect(changes).toEqual(["ready"]);
});

test("is unavailable at once if the first probe is bad, and ready after three good ones", async () => {
  database = refuses;
  await readiness.started();
  expect([readiness.state, readiness.reason]).toEqual(["unavailable", "the database only reads"]);
  database = answers;
  await pass(2);
  expect(readiness.state).toBe("unavailable");
  await pass(1);
  expect(changes).toEqual(["unavailable", "ready"]);
});

test("is unavailable after five seconds if the first probe hangs", async () => {
  database = hangs;
  const started = readiness.started();
  await pass(4);
  expect(readiness.state).toBe("starting");
  await pass(1);
  await started;
  expect([readiness.state, readiness.reason]).toEqual(["unavailable", "the database does not answer"]);
});

test("a drain before the first probe ends is final", async () => {
  database = hangs;
  const started = readiness.started();
  readiness.drain();
  await started;
  expect(changes).toEqual(["draining"]);
});

test.each([
  ["takes no writes", refuses],
  ["fails", fails],
  ["hangs", hangs],
])("tolerates ten seconds of a database that %s, and no more", async (_, failure) => {
  await readiness.started();
  await pass(5);
  database = failure;
  await pass(10);
  expect(readiness.state).toBe("ready");
  await pass(1);
  expect(readiness.state).toBe("unavailable");
  await pass(60);
  expect(changes).toEqual(["ready", "unavailable"]);
  expect(published).toHaveLength(2);
});

test("gives the reason why it is not ready, to clients and to observers", async () => {
  await readiness.started();
  database = refuses;
  await pass(11);
  expect(readiness.reason).toBe("the database only reads");
  expect(published).toEqual(["ready", "the database only reads"]);
  database = answers;
  await pass(3);
  expect(readiness.reason).toBeUndefined();
});

test("is ready again after three good probes in a row", async () => {
  await readiness.started();
  database = refuses;
  await pass(20);
  for (let round = 0; round < 3; round += 1) {
    database = answers;
    await pass(2);
    database = refuses;
    await pass(1);
  }
  expect(readiness.state).toBe("unavailable");
  database = answers;
  await pass(3);
  expect(readiness.state).toBe("ready");
  expect(changes).toEqual(["ready", "unavailable", "ready"]);
});

test("stays ready while a slow probe is under way that then succeeds", async () => {
  await readiness.started();
  await pass(5);
  database = refuses;
  await pass(9);
  const slow = Promise.withResolvers<Health>();
  database = () => slow.promise;
  await pass(3);
  slow.resolve({ isGood: true });
  await pass(5);
  expect(changes).toEqual(["ready"]);
});

test("does not change for a restart shorter than the tolerance", async () => {
  await readiness.started();
  for (let round = 0; round < 5; round += 1) {
    database = refuses;
    await pass(9);
    database = answers;
    await pass(1);
  }
  expect(changes).toEqual(["ready"]);
});

test("never has two probes under way", async () => {
  let underWay = 0;
  let most = 0;
  database = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setTimeout(resolve, 2.5 * second));
    underWay -= 1;
    return { isGood: true };
  };
  const started = readiness.started();
  await pass(20);
  await started;
  expect(most).toBe(1);
  expect(probes).toBe(7);
});

test("drains for good, whatever the database does", async () => {
  await readiness.started();
  readiness.drain();
  expect(readiness.state).toBe("draining");
  database = refuses;
  await pass(60);
  await readiness.started();
  expect(changes).toEqual(["ready", "draining"]);
});

test("a probe that ends after the drain began changes nothing", async () => {
  const late = Promise.withResolvers<Health>();
  await readiness.started();
  database = () => late.promise;
  await pass(1);
  readiness.drain();
  late.resolve(readOnly);
  await pass(0);
  expect(readiness.state).toBe("draining");
});

test("announces the drain before it begins, and calls listeners for both", async () => {
  await readiness.started();
  readiness.announceDrain();
  expect([readiness.state, readiness.draining.aborted]).toEqual(["draining", false]);
  readiness.drain();
  expect(readiness.draining.aborted).toBe(true);
  expect(changes).toEqual(["ready", "draining", "draining"]);
});

test("does not call a listener that has been removed, and leaves no timer behind", async () => {
  const calls: ReadinessState[] = [];
  const forget = readiness.onChange((state) => calls.push(state));
  await readiness.started();
  forget();
  readiness.drain();
  expect(calls).toEqual(["ready"]);
  readiness.close();
  expect(vi.getTimerCount()).toBe(0);
});

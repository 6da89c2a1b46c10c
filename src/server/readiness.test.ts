import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createReadiness, type Readiness, type ReadinessState } from "./readiness.ts";

const second = 1_000;
let readiness: Readiness;
let changes: ReadinessState[];
let logged: string[];
/** What the database does when pinged. */
let database: (signal: AbortSignal) => Promise<void>;
let pings: number;

const answers = () => Promise.resolve();
const refuses = () => Promise.reject(new Error("connection refused"));
const hangs = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
const hangsForever = () => new Promise<void>(() => {});

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * second);

beforeEach(() => {
  vi.useFakeTimers();
  database = answers;
  pings = 0;
  changes = [];
  logged = [];
  readiness = createReadiness({
    ping: (signal) => {
      pings += 1;
      return database(signal);
    },
    now: () => Date.now(),
    log: { info: (_, message) => logged.push(message), warn: (_, message) => logged.push(message) },
  });
  readiness.onChange((state) => changes.push(state));
});

afterEach(() => {
  readiness.close();
  vi.useRealTimers();
});

test("is starting, and leaves the database alone, until it has started", async () => {
  await pass(60);
  expect(readiness.state).toBe("starting");
  readiness.started();
  expect(readiness.state).toBe("ready");
  expect(pings).toBe(0);
  await pass(5);
  expect(pings).toBe(5);
  expect(changes).toEqual(["ready"]);
});

test.each([
  ["refuses", refuses],
  ["hangs", hangs],
  ["hangs and ignores that nobody waits", hangsForever],
])("tolerates ten seconds of a database that %s, and no more", async (_, failure) => {
  readiness.started();
  await pass(5);
  database = failure;
  await pass(10);
  expect(readiness.state).toBe("ready");
  await pass(1);
  expect(readiness.state).toBe("unavailable");
  await pass(60);
  expect(changes).toEqual(["ready", "unavailable"]);
  expect(logged).toHaveLength(2);
});

test("is ready again with the first answer", async () => {
  readiness.started();
  database = refuses;
  await pass(20);
  database = answers;
  await pass(1);
  expect(readiness.state).toBe("ready");
  expect(changes).toEqual(["ready", "unavailable", "ready"]);
});

test("says nothing of a restart shorter than the tolerance", async () => {
  readiness.started();
  for (let round = 0; round < 5; round += 1) {
    database = refuses;
    await pass(9);
    database = answers;
    await pass(1);
  }
  expect(changes).toEqual(["ready"]);
});

test("never has two pings under way", async () => {
  let underWay = 0;
  let most = 0;
  database = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setTimeout(resolve, 2.5 * second));
    underWay -= 1;
  };
  readiness.started();
  await pass(20);
  expect(most).toBe(1);
  expect(pings).toBe(7);
});

test("drains for good, whatever the database does", async () => {
  readiness.started();
  readiness.drain();
  expect(readiness.state).toBe("draining");
  database = refuses;
  await pass(60);
  readiness.started();
  expect(changes).toEqual(["ready", "draining"]);
});

test("a ping that ends after the drain began changes nothing", async () => {
  const late = Promise.withResolvers<void>();
  database = () => late.promise;
  readiness.started();
  await pass(1);
  readiness.drain();
  late.resolve();
  await pass(0);
  expect(readiness.state).toBe("draining");
});

test("calls a listener no more once told so, and leaves no timer behind", async () => {
  const heard: ReadinessState[] = [];
  const forget = readiness.onChange((state) => heard.push(state));
  readiness.started();
  forget();
  readiness.drain();
  expect(heard).toEqual(["ready"]);
  readiness.close();
  expect(vi.getTimerCount()).toBe(0);
});

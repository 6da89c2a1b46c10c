import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { recordEvents } from "../../test/support/unit/events.ts";
import { ignoreEvents } from "../domain/publish.ts";
import type { LimitEvents } from "../limits/events.ts";
import { createRateLimits } from "../limits/rate-limit.ts";
import type { WorkerEvents } from "./events.ts";
import type { PrimaryLink } from "./link-to-primary.ts";
import { createMachineLimits } from "./machine-limits.ts";
import type { LimitMessage, ToPrimary, ToWorker } from "./messages.ts";
import { shareConnectionLimit, shareRateLimits } from "./shared-limits.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const rateLimits = { reads: 5, bookings: 3, settlements: 0, admin: 4, callersPerAddress: 2 };
const limits = { rateLimits, maxConnections: 3, maxConnectionsPerAddress: 2, trustedProxies: [] };
const nora = { kind: "caller", key: "nora" } as const;

/** A primary and the ends of its workers' channels, in one process. */
function createMachine() {
  const machine = createMachineLimits(limits, ignoreEvents);
  let hangs = false;
  const sent: ToPrimary[] = [];
  function join(id: number) {
    const listeners = new Map<string, (message: never) => void>();
    const worker = { id, send: (message: ToWorker) => listeners.get(message.type)?.(message as never) };
    const link: PrimaryLink = {
      send: async (message) => {
        sent.push(message);
        if (!hangs) machine.received(worker, message as LimitMessage);
      },
      on: (type, listener) => void listeners.set(type, listener),
    };
    return { worker, link };
  }
  const hang = (now: boolean) => {
    hangs = now;
  };
  return { machine, join, sent, hang };
}

function createRates(link: PrimaryLink) {
  const events = recordEvents<LimitEvents & WorkerEvents>();
  const rates = shareRateLimits(createRateLimits(rateLimits, undefined, events.publish), link, events.publish);
  return { rates, events };
}

test("a caller has one rate limit at all workers, and the worker publishes what it rejects", async () => {
  const { join } = createMachine();
  const workers = [createRates(join(1).link), createRates(join(2).link)] as const;
  const counted = Array.from({ length: 4 }, (_, call) =>
    workers[call % 2 === 0 ? 0 : 1].rates.count("bookings", [nora]),
  );
  await vi.runAllTimersAsync();
  expect(await Promise.all(counted)).toMatchObject([
    { isAllowed: true, limit: 3, remaining: 2 },
    { isAllowed: true, remaining: 0 },
    { isAllowed: true, remaining: 1 },
    { isAllowed: false, remaining: 0 },
  ]);
  expect(workers.map(({ events }) => events.of("limits.rate_limited"))).toEqual([
    [],
    [{ lane: "bookings", by: "caller" }],
  ]);
});

test("all calls of a turn are one message, and calls without a limit none", async () => {
  const { join, sent } = createMachine();
  const { rates } = createRates(join(1).link);
  const counted = [rates.count("reads", [nora]), rates.count("reads", [nora], 3), rates.count("settlements", [nora])];
  await vi.runAllTimersAsync();
  expect(await Promise.all(counted)).toMatchObject([{ remaining: 4 }, { remaining: 1 }, undefined]);
  expect(sent).toMatchObject([{ type: "count", calls: [{ cost: 1 }, { cost: 3 }] }]);
});

test("without an answer in time a worker counts alone, and all its calls at once, until the primary answers", async () => {
  const { machine, join, sent, hang } = createMachine();
  const { worker, link } = join(1);
  const { rates, events } = createRates(link);
  hang(true);
  const first = rates.count("bookings", [nora]);
  await vi.advanceTimersByTimeAsync(1_999);
  const second = rates.count("bookings", [nora]);
  await vi.advanceTimersByTimeAsync(2);
  expect(await first).toMatchObject({ isAllowed: true, remaining: 2 });
  expect(await second).toMatchObject({ isAllowed: true, remaining: 1 });
  expect(events.of("workers.primary_late")).toEqual([{ waitedMs: 2_000 }]);
  await vi.advanceTimersByTimeAsync(60_000);
  for (let remaining = 2; remaining >= 0; remaining--) {
    expect(await rates.count("bookings", [nora])).toMatchObject({ isAllowed: true, remaining });
  }
  expect(await rates.count("bookings", [nora])).toMatchObject({ isAllowed: false });
  expect(sent).toHaveLength(2);

  hang(false);
  for (const message of [...sent]) machine.received(worker, message as LimitMessage);
  await vi.advanceTimersByTimeAsync(0);
  const again = rates.count("bookings", [{ kind: "caller", key: "alice" }]);
  await vi.runAllTimersAsync();
  expect(await again).toMatchObject({ remaining: 2 });
  expect(sent).toHaveLength(3);
  expect(events.of("workers.primary_late")).toHaveLength(1);
});

test("a call that counts against several keys is one message", async () => {
  const { join, sent } = createMachine();
  const { rates, events } = createRates(join(1).link);
  const keys = [{ kind: "address", key: "192.0.2.1" }, nora] as const;
  const counted = Array.from({ length: 4 }, () => rates.count("bookings", keys));
  await vi.runAllTimersAsync();
  expect(await Promise.all(counted)).toMatchObject([
    { isAllowed: true, by: "caller", remaining: 2 },
    { isAllowed: true, by: "caller", remaining: 1 },
    { isAllowed: true, by: "caller", remaining: 0 },
    { isAllowed: false, by: "caller" },
  ]);
  expect(sent).toMatchObject([{ type: "count", calls: Array(4).fill({ keys }) }]);
  expect(events.of("limits.rate_limited")).toEqual([{ lane: "bookings", by: "caller" }]);
});

test("an answer that a busy worker reads too late still counts", async () => {
  const { machine, join, sent, hang } = createMachine();
  const { worker, link } = join(1);
  const { rates, events } = createRates(link);
  hang(true);
  const counted = rates.count("bookings", [nora]);
  // The message is sent, and the time is up.
  await vi.advanceTimersToNextTimerAsync();
  await vi.advanceTimersToNextTimerAsync();
  machine.received(worker, sent[0] as LimitMessage);
  await vi.runAllTimersAsync();
  expect(await counted).toMatchObject({ isAllowed: true, remaining: 2 });
  expect(events.of("workers.primary_late")).toEqual([]);
});

test("connections of all workers count together, until they close or their worker ends", async () => {
  const { machine, join } = createMachine();
  const [first, second] = [join(1), join(2)];
  const atFirst = shareConnectionLimit(first.link, ignoreEvents);
  const atSecond = shareConnectionLimit(second.link, ignoreEvents);
  const leave = await atFirst.enter("192.0.2.1");
  expect(await atSecond.enter("192.0.2.1")).toBeDefined();
  expect(await atFirst.enter("192.0.2.1"), "over the limit of an address").toBeUndefined();
  expect(await atSecond.enter("192.0.2.2")).toBeDefined();
  expect(await atSecond.enter("192.0.2.3"), "over the limit of all").toBeUndefined();
  leave?.();
  expect(await atFirst.enter("192.0.2.3")).toBeDefined();
  machine.left(second.worker);
  expect(await atFirst.enter("192.0.2.1")).toBeDefined();
  expect(await atFirst.enter("192.0.2.1")).toBeDefined();
  expect(await atFirst.enter("192.0.2.4")).toBeUndefined();
});

test("a connection without an answer in time is refused, and not counted when the answer comes", async () => {
  const { join, hang, machine, sent } = createMachine();
  const { worker, link } = join(1);
  const events = recordEvents<WorkerEvents>();
  const connections = shareConnectionLimit(link, events.publish);
  hang(true);
  const late = Array.from({ length: 2 }, () => connections.enter("192.0.2.1"));
  await vi.advanceTimersByTimeAsync(10_001);
  expect(await Promise.all(late)).toEqual([undefined, undefined]);
  expect(events.of("workers.entry_unanswered")).toEqual([{ waitedMs: 10_000 }, { waitedMs: 10_000 }]);
  hang(false);
  for (const message of [...sent]) machine.received(worker, message as LimitMessage);
  expect(await connections.enter("192.0.2.1")).toBeDefined();
  expect(await connections.enter("192.0.2.1")).toBeDefined();
});

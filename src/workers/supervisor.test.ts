import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { recordEvents } from "../../test/support/unit/events.ts";
import type { WorkerEvents } from "./events.ts";
import type { ToPrimary } from "./messages.ts";
import { superviseWorkers } from "./supervisor.ts";
import type { WorkerProcess } from "./worker-process.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const ports = { restPort: 1, grpcPort: 2 };
const address = { host: "", port: 0, username: "", password: "", name: "", sslMode: "disable" } as const;

/** A process that gives signs of life, ignores all messages, and ends only when it is killed. */
function stubborn(received: (message: ToPrimary) => void): WorkerProcess {
  const { promise: ended, resolve } = Promise.withResolvers<Awaited<WorkerProcess["ended"]>>();
  const signs = setInterval(received, 500, { type: "alive" });
  const kill = () => {
    clearInterval(signs);
    resolve({ exitCode: null, signal: "SIGKILL" });
  };
  return { id: 1, pid: 100, send: () => {}, kill, ended };
}

function supervise(makeProcess: typeof stubborn) {
  const events = recordEvents<WorkerEvents>();
  const supervisor = superviseWorkers(
    {
      order: { workers: 1, files: {}, address },
      publish: events.publish,
      stopTimeoutMs: 5_000,
      received: () => {},
      left: () => {},
    },
    makeProcess,
  );
  return { supervisor, events };
}

test("a worker that gives signs of life and does not stop in time is killed, and the stop was not in order", async () => {
  const { supervisor, events } = supervise((received) => {
    queueMicrotask(() => received({ type: "serving", ...ports }));
    return stubborn(received);
  });
  expect(await supervisor.started).toEqual(ports);
  await vi.advanceTimersByTimeAsync(30_000);
  const stopped = supervisor.stop({ atOnce: false });
  await vi.advanceTimersByTimeAsync(4_999);
  expect(events.of("workers.killed")).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(events.of("workers.killed")).toEqual([{ worker: 1, pid: 100, reason: "stopping" }]);
  expect(await stopped).toBe(false);
  const end = { worker: 1, exitCode: null, signal: "SIGKILL", failure: undefined, restartMs: undefined };
  expect(events.of("workers.ended")).toEqual([end]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a worker that gives signs of life and does not serve in time is killed, and the start fails", async () => {
  const { supervisor, events } = supervise(stubborn);
  await vi.advanceTimersByTimeAsync(59_999);
  expect(events.of("workers.killed")).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(events.of("workers.killed")).toEqual([{ worker: 1, pid: 100, reason: "starting" }]);
  await expect(supervisor.started).rejects.toThrow("a worker process ended (SIGKILL)");
});

test("a process that cannot be made fails the start with the reason", async () => {
  const failure = "a worker process cannot be made: spawn EAGAIN";
  const { supervisor } = supervise((received) => ({
    ...stubborn(received),
    ended: Promise.resolve({ exitCode: null, signal: null, failure }),
  }));
  await vi.advanceTimersByTimeAsync(0);
  await expect(supervisor.started).rejects.toThrow(failure);
});

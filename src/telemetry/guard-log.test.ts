import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AuthEvents } from "../auth/events.ts";
import type { LimitEvents } from "../limits/events.ts";
import { createEventHub } from "./events.ts";
import { logGuards } from "./guard-log.ts";
import { createLogger } from "./log.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

function startLog(level: "debug" | "info") {
  const lines: string[] = [];
  const hub = createEventHub<AuthEvents & LimitEvents>((error) => expect.unreachable(String(error)));
  logGuards(hub, createLogger({ level, destination: { write: (line) => void lines.push(line) } }));
  return { publish: hub.publish, lines: () => lines.map((line) => JSON.parse(line)) };
}

test("a rejected token is one line at debug, and is not described above that level", () => {
  const token = { reason: "signature verification failed", kid: "key-1", alg: "ES256", iss: undefined };
  const describe = vi.fn(() => token);
  const quiet = startLog("info");
  quiet.publish("auth.token_rejected", { describe });
  expect([quiet.lines(), describe.mock.calls]).toEqual([[], []]);
  const { publish, lines } = startLog("debug");
  publish("auth.token_rejected", { describe });
  expect(lines()).toEqual([
    {
      ...{ level: "debug", time: expect.any(String), msg: "a token was refused" },
      ...{ reason: "signature verification failed", kid: "key-1", alg: "ES256" },
    },
  ]);
});

test("a Redis that fails is a warning every 30 seconds, with its message", () => {
  const { publish, lines } = startLog("info");
  const fail = (code: string) => publish("limits.redis_failed", { code, message: "it failed" });
  fail("ECONNREFUSED");
  vi.advanceTimersByTime(29_999);
  fail("ECONNRESET");
  vi.advanceTimersByTime(1);
  fail("ETIMEDOUT");
  expect(lines()).toMatchObject([
    { level: "warn", err: { code: "ECONNREFUSED", message: "it failed" } },
    { level: "warn", err: { code: "ETIMEDOUT", message: "it failed" } },
  ]);
});

test("an unreachable key set is a warning with its error", () => {
  const { publish, lines } = startLog("info");
  publish("auth.keys_unreachable", { error: new Error("the key set was answered with 500") });
  expect(lines()).toMatchObject([{ level: "warn", err: { message: "the key set was answered with 500" } }]);
});

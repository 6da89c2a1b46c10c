import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Failure } from "../domain/failure.ts";
import type { FinishedCall, RpcEvents } from "../rpc/events.ts";
import { logCalls } from "./call-log.ts";
import { createEventHub } from "./events.ts";
import { createLogger } from "./log.ts";
import { createRepeats } from "./repeats.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** A log of calls, and a function that ends a call with a code, for a failure. */
function startLog(level: "debug" | "warn", pretty = false) {
  const lines: string[] = [];
  const hub = createEventHub<RpcEvents>((error) => expect.unreachable(String(error)));
  const logger = createLogger({ level, pretty, destination: { write: (line) => void lines.push(line) } });
  logCalls(hub.subscribe, logger, createRepeats());
  const end = (code: string, changes: Partial<FinishedCall> = {}, failure?: Failure, cause?: unknown) =>
    hub.publish("rpc.call_finished", {
      ...{ service: "a.Service", method: "Do", protocol: "grpc", durationMs: 1.25, messages: undefined, code },
      ...{ error: code === "OK" ? undefined : { failure, message: "so it is", cause }, ...changes },
    });
  return { lines, end, levels: () => lines.map((line) => `${JSON.parse(line).level} ${JSON.parse(line).code}`) };
}

test("a call that succeeds is one line at debug", () => {
  const { lines, end } = startLog("debug");
  end("OK");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: "debug", time: expect.any(String), method: "a.Service/Do", code: "OK", duration_ms: 1.3, msg: "call" },
  ]);
});

test("trouble is a warning, at most once a second for each code", () => {
  const { end, levels, lines } = startLog("warn");
  end("Unavailable");
  vi.advanceTimersByTime(999);
  end("Unavailable");
  end("Internal");
  vi.advanceTimersByTime(1);
  end("Unavailable");
  expect(levels()).toEqual(["warn Unavailable", "warn Internal", "warn Unavailable"]);
  expect(lines.map((line) => JSON.parse(line).dropped)).toEqual([undefined, undefined, 1]);
});

test("an error that a client can cause is not a warning", () => {
  const { end, levels } = startLog("debug");
  for (const code of ["DeadlineExceeded", "Canceled", "NotFound"]) end(code);
  end("Unavailable", {}, { reason: "KEYS_UNAVAILABLE", retryDelayMs: 1, isKeyUnknown: true });
  expect(levels()).toEqual(["debug DeadlineExceeded", "debug Canceled", "debug NotFound", "debug Unavailable"]);
});

test("an unreachable key set is a warning", () => {
  const { end, levels } = startLog("debug");
  end("Unavailable", {}, { reason: "KEYS_UNAVAILABLE", retryDelayMs: 1, isKeyUnknown: false });
  expect(levels()).toEqual(["warn Unavailable"]);
});

test("a stream that ends as it should is not a warning, and its line has the protocol and the number of messages", () => {
  const { lines, end, levels } = startLog("debug");
  end("Unavailable", { messages: 3 }, { reason: "SHUTTING_DOWN", begun: false, retryDelayMs: 1 });
  end("Unavailable", { messages: 0 }, { reason: "STREAM_EXPIRED", retryDelayMs: 1 });
  end("Unavailable", {}, { reason: "SHUTTING_DOWN", begun: false, retryDelayMs: 1 });
  expect(levels()).toEqual(["debug Unavailable", "debug Unavailable", "warn Unavailable"]);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ protocol: "grpc", messages: 3 });
});

test("a failure of the database has its causes in one line, also on a terminal", () => {
  const full = Object.assign(new Error("no space left"), { code: "53100", severity: "ERROR", detail: "a value" });
  const failure: Failure = { reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1 };
  const [json, pretty] = [false, true].map((isPretty) => {
    const { lines, end } = startLog("warn", isPretty);
    end("Unavailable", {}, failure, full);
    return lines.join("");
  });
  expect(JSON.parse(json ?? "")).toMatchObject({
    ...{ reason: "DATABASE_UNAVAILABLE", error: "so it is" },
    cause: "SQLSTATE 53100: no space left",
  });
  expect(pretty).toContain(' reason=DATABASE_UNAVAILABLE error="so it is" ');
  expect(pretty).toMatch(/ cause="SQLSTATE 53100: no space left" ?\n$/);
});

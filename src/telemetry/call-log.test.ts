import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Failure } from "../domain/failure.ts";
import type { FinishedCall, RpcEvents } from "../rpc/events.ts";
import { logCalls, type UserIds } from "./call-log.ts";
import { createEventHub } from "./events.ts";
import { limitLines } from "./limited-log.ts";
import { createLogger } from "./log.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** A log of calls, and a function that ends a call with a code, for a failure. */
function startLog(level: "debug" | "warn", pretty = false, userIds: UserIds = "hashed") {
  const lines: string[] = [];
  const hub = createEventHub<RpcEvents>((error) => expect.unreachable(String(error)));
  const logger = createLogger({ level, pretty, destination: { write: (line) => void lines.push(line) } });
  const limited = limitLines(logger);
  // Its timer would run on in the tests of other files.
  onTestFinished(() => limited[Symbol.dispose]());
  logCalls(hub.subscribe, limited.log, userIds);
  const end = (code: string, changes: Partial<FinishedCall> = {}, failure?: Failure, cause?: unknown) =>
    hub.publish("rpc.call_finished", {
      ...{
        requestId: "r-1",
        trace: undefined,
        user: undefined,
        service: "a.Service",
        method: "Do",
        protocol: "grpc",
        durationMs: 1.25,
        messages: undefined,
        code,
      },
      ...{ error: code === "OK" ? undefined : { failure, message: "so it is", cause }, ...changes },
    });
  return { hub, lines, end, levels: () => lines.map((line) => `${JSON.parse(line).level} ${JSON.parse(line).code}`) };
}

test("a call that succeeds is one line at debug", () => {
  const { lines, end } = startLog("debug");
  end("OK");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      ...{ level: "debug", time: expect.any(String), msg: "call", request_id: "r-1" },
      ...{ method: "a.Service/Do", protocol: "grpc", code: "OK", duration_ms: 1.3 },
    },
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
  end("DeadlineExceeded", { timeoutMs: 999 });
  for (const code of ["Canceled", "NotFound"]) end(code);
  end("Unavailable", {}, { reason: "KEYS_UNAVAILABLE", retryDelayMs: 1, isKeyUnknown: true });
  expect(levels()).toEqual(["debug DeadlineExceeded", "debug Canceled", "debug NotFound", "debug Unavailable"]);
});

test("a missed deadline of a second or more is a warning, but not the end of a stream", () => {
  const { end, levels } = startLog("debug");
  end("DeadlineExceeded", { timeoutMs: 5_000, messages: 7 });
  end("DeadlineExceeded", { timeoutMs: 1_000 });
  end("DeadlineExceeded", { timeoutMs: Number.POSITIVE_INFINITY, method: "Other" });
  expect(levels()).toEqual(["debug DeadlineExceeded", "warn DeadlineExceeded", "warn DeadlineExceeded"]);
});

test("an unforeseen error of one method does not hide those of another", () => {
  const { hub, lines } = startLog("warn");
  const fail = (method: string) => {
    const call = { requestId: "r-1", trace: undefined, service: "a.Service", method };
    hub.publish("rpc.unexpected_error", { ...call, error: new Error("so it is") });
  };
  for (let count = 0; count < 20; count++) fail("Do");
  fail("Other");
  expect(lines).toHaveLength(10 + 1);
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

test("fifty calls a second that succeed are logged, and the next line says how many were left out", () => {
  const { lines, end } = startLog("debug");
  for (let count = 0; count < 80; count++) end("OK", { method: `Do${count % 4}` });
  expect(lines).toHaveLength(50);
  vi.advanceTimersByTime(1_000);
  end("OK");
  end("OK");
  expect(lines.slice(50).map((line) => JSON.parse(line).dropped)).toEqual([30, undefined]);
});

test("ten calls a second that are refused for one reason are logged, whatever other calls are", () => {
  const { lines, end } = startLog("debug");
  for (let count = 0; count < 60; count++) end("OK");
  const soldOut: Failure = { reason: "INSUFFICIENT_TICKETS", available: 0 };
  for (let count = 0; count < 15; count++) end("ResourceExhausted", {}, soldOut);
  end("FailedPrecondition", {}, { reason: "PAYMENT_REQUIRED" });
  expect(lines).toHaveLength(50 + 10 + 1);
});

test("above debug a call that succeeds counts as no line left out", () => {
  const { end, lines } = startLog("warn");
  for (let count = 0; count < 80; count++) end("OK");
  end("Internal");
  expect(lines.map((line) => JSON.parse(line).dropped)).toEqual([undefined]);
});

test("a caller is named as it is, by a hash, or not at all", () => {
  const callers = (["full", "hashed", "none"] as const).map((userIds) => {
    const { lines, end } = startLog("debug", false, userIds);
    end("OK", { user: "nora" });
    return JSON.parse(lines[0] ?? "").caller;
  });
  // The first digits of `printf %s nora | sha256sum`.
  const hashed = "b21ec07effd3fe30";
  expect(callers).toEqual(["nora", hashed, undefined]);
});

test("a caller of 255 emoji is one line, as JSON and on a terminal", () => {
  const user = "\u{1f39f}".repeat(255);
  const [json, pretty] = [false, true].map((isPretty) => {
    const { lines, end } = startLog("debug", isPretty, "full");
    end("OK", { user });
    return lines.join("");
  });
  expect(JSON.parse(json ?? "").caller).toBe(user);
  expect(pretty).toContain(` caller=${user} `);
  expect(pretty?.trimEnd()).not.toContain("\n");
});

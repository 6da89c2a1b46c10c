import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { DomainError } from "../../domain/failure.ts";
import { createLogger } from "../../telemetry/log.ts";
import { connectErrorFor } from "../status.ts";
import { createCallLog, createLogInterceptor } from "./log.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** What is logged of calls that fail with these codes, each some time after the one before. */
async function linesOf(level: "debug" | "warn", failures: readonly [code: Code, afterMs: number][]): Promise<string[]> {
  const lines: string[] = [];
  const logger = createLogger({ level, destination: { write: (line) => void lines.push(line) } });
  const log = createLogInterceptor(createCallLog(logger));
  for (const [code, afterMs] of failures) {
    vi.advanceTimersByTime(afterMs);
    const call = log(() => Promise.reject(new ConnectError("so it is", code)));
    const request = { service: ConcertService, method: ConcertService.method.getConcert };
    await expect(call(request as unknown as Parameters<typeof call>[0])).rejects.toThrow("so it is");
  }
  return lines.map((line) => {
    const { level: told, code } = JSON.parse(line);
    return `${told} ${code}`;
  });
}

test("trouble is told, once a second for each code, however many calls meet it", async () => {
  const told = await linesOf("warn", [
    [Code.Unavailable, 0],
    [Code.Unavailable, 999],
    [Code.Internal, 0],
    [Code.Unavailable, 1],
  ]);
  expect(told).toEqual(["warn Unavailable", "warn Internal", "warn Unavailable"]);
});

test("what a client brings about by itself is no trouble", async () => {
  const failures: [Code, number][] = [Code.DeadlineExceeded, Code.Canceled, Code.NotFound].map((code) => [code, 0]);
  expect(await linesOf("warn", failures)).toEqual([]);
  expect(await linesOf("debug", failures)).toEqual(["debug DeadlineExceeded", "debug Canceled", "debug NotFound"]);
});

test("keys that cannot be had are told, and one that is not in the set is not", async () => {
  const levels: string[] = [];
  const destination = { write: (line: string) => void levels.push(JSON.parse(line).level) };
  const log = createLogInterceptor(createCallLog(createLogger({ level: "debug", destination })));
  for (const isKeyUnknown of [true, false]) {
    const failure = new DomainError({ reason: "KEYS_UNAVAILABLE", retryDelayMs: 1, isKeyUnknown });
    const call = log(() => Promise.reject(connectErrorFor(failure, { repeatable: false })));
    const request = { service: ConcertService, method: ConcertService.method.getConcert };
    await expect(call(request as unknown as Parameters<typeof call>[0])).rejects.toThrow();
  }
  expect(levels).toEqual(["debug", "warn"]);
});

test("a failure of the database says why, in one line, also on a terminal", async () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const full = Object.assign(new Error("no space left"), { code: "53100", severity: "ERROR", detail: "a value" });
  const failure = new DomainError({ reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1 }, { cause: full });
  for (const pretty of [false, true]) {
    const log = createLogInterceptor(createCallLog(createLogger({ level: "warn", destination, pretty })));
    const call = log(() => Promise.reject(connectErrorFor(failure, { repeatable: false })));
    const request = { service: ConcertService, method: ConcertService.method.getConcert };
    await expect(call(request as unknown as Parameters<typeof call>[0])).rejects.toThrow();
  }
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    reason: "DATABASE_UNAVAILABLE",
    cause: "SQLSTATE 53100: no space left",
  });
  expect(lines[1]).toContain('"reason":"DATABASE_UNAVAILABLE","error":"the database cannot be reached;');
  expect(lines[1]).toContain('"cause":"SQLSTATE 53100: no space left"}\n');
});

import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { createLogger } from "../../log.ts";
import { createLogInterceptor } from "./log.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** What is logged of calls that fail with these codes, each some time after the one before. */
async function linesOf(level: "debug" | "warn", failures: readonly [code: Code, afterMs: number][]): Promise<string[]> {
  const lines: string[] = [];
  const logger = createLogger({ level, destination: { write: (line) => void lines.push(line) } });
  const log = createLogInterceptor(logger);
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

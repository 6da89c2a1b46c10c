import type { DescMethod } from "@bufbuild/protobuf";
import {
  createContextValues,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { recordEvents } from "../../../test/support/unit/events.ts";
import { ignoreEvents } from "../../domain/publish.ts";
import { readAccessRules } from "../access.ts";
import { setDeadline } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import { createOverloadInterceptor } from "./overload.ts";

test.each([
  { waitsForRateLimits: 0, passedMs: 3_000, shedMs: 4_000 },
  { waitsForRateLimits: 1, passedMs: 2_000, shedMs: 3_000 },
  { waitsForRateLimits: 2, passedMs: 1_900, shedMs: 2_000 },
])(
  "a stream without a deadline is shed when a unary call would be too late; waits for rate limits: $waitsForRateLimits",
  async (each) => {
    const { waitsForRateLimits, passedMs, shedMs } = each;
    const events = recordEvents<RpcEvents>();
    const call = async (delayMs: number) => {
      const contextValues = createContextValues();
      const { signal } = new AbortController();
      setDeadline(contextValues, { signal, expiresAtMs: Number.POSITIVE_INFINITY, onProgress: () => {} });
      const { getConcert } = ConcertService.method;
      const request = { stream: true, service: ConcertService, method: getConcert, contextValues };
      const intercept = createOverloadInterceptor(
        readAccessRules([ConcertService]),
        { currentMs: () => delayMs },
        { requestTimeoutMs: 10_000, waitsForRateLimits },
        events.publish,
      );
      await intercept(async () => ({}) as StreamResponse)(request as unknown as StreamRequest);
    };
    await call(passedMs);
    expect(events.of("rpc.call_shed")).toEqual([]);
    await expect(call(shedMs)).rejects.toMatchObject({ failure: { reason: "OVERLOADED" } });
    expect(events.of("rpc.call_shed")).toEqual([
      { service: "frontrow.v1.ConcertService", method: "GetConcert", lane: "reads", eventLoopDelayMs: shedMs },
    ]);
  },
);

test.each([
  ["of an organizer", ConcertService.method.updateConcert],
  ["that confirms a hold", BookingService.method.confirmHold],
  ["that releases a hold", BookingService.method.releaseHold],
])("a call %s is never shed", async (_, method) => {
  await expect(callOf(method)).resolves.toBe("passed");
});

test.each([
  ["that reads", ConcertService.method.getConcert],
  ["that books", BookingService.method.bookTickets],
  ["that holds", BookingService.method.holdTickets],
  ["that extends a hold", BookingService.method.extendHold],
])("a call %s is shed", async (_, method) => {
  await expect(callOf(method)).rejects.toMatchObject({ failure: { reason: "OVERLOADED" } });
});

/** A unary call while the event loop is later than any call can wait. */
async function callOf(method: DescMethod): Promise<string> {
  const contextValues = createContextValues();
  const { signal } = new AbortController();
  setDeadline(contextValues, { signal, expiresAtMs: performance.now() + 10_000, onProgress: () => {} });
  const ruleOf = readAccessRules([ConcertService, BookingService]);
  const intercept = createOverloadInterceptor(
    ruleOf,
    { currentMs: () => 60_000 },
    { requestTimeoutMs: 10_000, waitsForRateLimits: 0 },
    ignoreEvents,
  );
  const request = { stream: false, service: method.parent, method, contextValues } as unknown as UnaryRequest;
  await intercept(async () => ({}) as UnaryResponse)(request);
  return "passed";
}

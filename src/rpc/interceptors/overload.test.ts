import { createContextValues, type StreamRequest, type StreamResponse } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { recordEvents } from "../../../test/support/unit/events.ts";
import { readAccessRules } from "../access.ts";
import { setDeadline } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import { createOverloadInterceptor } from "./overload.ts";

test("a stream without a deadline is shed when a unary call would be too late", async () => {
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
      10_000,
      events.publish,
    );
    await intercept(async () => ({}) as StreamResponse)(request as unknown as StreamRequest);
  };
  await call(3_000);
  expect(events.of("rpc.call_shed")).toEqual([]);
  await expect(call(4_000)).rejects.toMatchObject({ failure: { reason: "OVERLOADED" } });
  expect(events.of("rpc.call_shed")).toEqual([
    { service: "frontrow.v1.ConcertService", method: "GetConcert", eventLoopDelayMs: 4_000 },
  ]);
});

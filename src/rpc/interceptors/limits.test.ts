import { createContextValues, type StreamRequest, type StreamResponse } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { readAccessRules } from "../access.ts";
import { setDeadline } from "./deadline.ts";
import { createOverloadInterceptor } from "./limits.ts";

test("a stream without a deadline is refused when a unary call would be too late", async () => {
  const call = async (lagMs: number) => {
    const contextValues = createContextValues();
    const { signal } = new AbortController();
    setDeadline(contextValues, { signal, expiresAtMs: Number.POSITIVE_INFINITY, onProgress: () => {} });
    const request = { stream: true, method: ConcertService.method.getConcert, contextValues };
    const lag = { lagMs: () => lagMs, close() {} };
    const intercept = createOverloadInterceptor(readAccessRules([ConcertService]), lag, 10_000);
    await intercept(async () => ({}) as StreamResponse)(request as unknown as StreamRequest);
  };
  await call(3_000);
  await expect(call(4_000)).rejects.toMatchObject({ failure: { reason: "OVERLOADED" } });
});

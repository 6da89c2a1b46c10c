import { createContextValues } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createDeadlineInterceptor, deadlineFrom } from "./deadline.ts";

type Call = ReturnType<ReturnType<typeof createDeadlineInterceptor>>;
type Request = Parameters<Call>[0];

function requestWith(signal: AbortSignal): Request {
  const request = { stream: false, signal, header: new Headers(), contextValues: createContextValues() };
  return request as unknown as Request;
}

test("a call that is over before it begins, and fails at once, leaves no rejection behind", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const failure = new Error("at once");
  const intercept = createDeadlineInterceptor(1_000, () => 0);
  const call = intercept(() => {
    throw failure;
  });
  await expect(call(requestWith(AbortSignal.abort()))).rejects.toBe(failure);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("what a call has waited to be read is part of its time", async () => {
  const intercept = createDeadlineInterceptor(60_000, () => 20_000);
  const request = requestWith(new AbortController().signal);
  const beforeMs = performance.now();
  await intercept(async () => ({}) as Awaited<ReturnType<Call>>)(request);
  const { expiresAtMs } = deadlineFrom(request.contextValues);
  expect(expiresAtMs).toBeGreaterThanOrEqual(beforeMs + 40_000);
  expect(expiresAtMs).toBeLessThanOrEqual(performance.now() + 40_000);
});

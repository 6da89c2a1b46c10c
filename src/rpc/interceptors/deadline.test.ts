import { createContextValues } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createDeadlineInterceptor } from "./deadline.ts";

test("a call that is aborted before it begins causes no unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const failure = new Error("at once");
  const call = createDeadlineInterceptor(1_000)(() => {
    throw failure;
  });
  const request = {
    stream: false,
    signal: AbortSignal.abort(),
    header: new Headers(),
    contextValues: createContextValues(),
  };
  await expect(call(request as unknown as Parameters<typeof call>[0])).rejects.toBe(failure);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

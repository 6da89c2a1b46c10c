import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BookingSchema, TokenSourceFailed } from "../src/index.ts";
import { clientOf, failure, order } from "./router.ts";

/** The calls that a scope makes after the hold, when its confirmations fail with these errors or are cancelled. */
async function callsAfter(...errors: (Error | "cancelled")[]): Promise<string[]> {
  const controller = new AbortController();
  const calls: string[] = [];
  const left = [...errors];
  const client = clientOf(
    {
      holdTickets: () => create(BookingSchema, { id: 1n }),
      confirmHold() {
        calls.push("confirm");
        const error = left.shift();
        if (error !== "cancelled") throw error;
        controller.abort(new Error("the customer left"));
        return create(BookingSchema);
      },
      releaseHold() {
        calls.push("release");
        return create(BookingSchema);
      },
    },
    { retry: { maxAttempts: 1 } },
  );
  const confirm = async () => {
    await using hold = await client.hold(order);
    for (const _ of errors.slice(1)) await hold.confirm().catch(() => {});
    await hold.confirm({}, { signal: controller.signal });
  };
  await expect(confirm()).rejects.toThrow();
  return calls;
}

test.each([
  { name: "OUTCOME_UNKNOWN", error: failure(Code.Unavailable, { reason: "OUTCOME_UNKNOWN" }) },
  { name: "a deadline", error: failure(Code.DeadlineExceeded, { reason: "DEADLINE_EXCEEDED" }) },
  { name: "a lost connection", error: new ConnectError("stream closed", Code.Canceled) },
  { name: "an answer of something else", error: new ConnectError("HTTP 401", Code.Unauthenticated) },
  { name: "a delay for a retry", error: failure(Code.ResourceExhausted, { reason: "RATE_LIMITED" }, 1) },
])("a hold is not released after a confirmation that ends by $name", async ({ error }) => {
  expect(await callsAfter(error)).toEqual(["confirm"]);
});

test("a hold is not released after a confirmation without a token", async () => {
  let calls = 0;
  const token = () => {
    calls += 1;
    if (calls === 2) throw new Error("no network");
    return "token";
  };
  let releases = 0;
  const client = clientOf(
    {
      holdTickets: () => create(BookingSchema, { id: 1n }),
      confirmHold: () => Promise.reject(failure(Code.Unauthenticated, { reason: "UNAUTHENTICATED" })),
      releaseHold() {
        releases += 1;
        return create(BookingSchema);
      },
    },
    { token },
  );
  const confirm = async () => {
    await using hold = await client.hold(order);
    await hold.confirm();
  };
  await expect(confirm()).rejects.toBeInstanceOf(TokenSourceFailed);
  expect(releases).toBe(0);
});

test("a hold is not released while its confirmation has not ended", async () => {
  const ended = Promise.withResolvers<void>();
  const calls: string[] = [];
  const client = clientOf({
    holdTickets: () => create(BookingSchema, { id: 1n }),
    async confirmHold() {
      calls.push("confirm");
      await ended.promise;
      return create(BookingSchema);
    },
    releaseHold() {
      calls.push("release");
      return create(BookingSchema);
    },
  });
  let confirmation: Promise<unknown> | undefined;
  {
    await using hold = await client.hold(order);
    confirmation = hold.confirm();
  }
  ended.resolve();
  await confirmation;
  expect(calls).toEqual(["confirm"]);
});

test("a hold is not released after a confirmation that is cancelled", async () => {
  expect(await callsAfter("cancelled")).toEqual(["confirm"]);
});

const refusal = failure(Code.FailedPrecondition, { reason: "MORE_THAN_HELD", metadata: { held: "1" } });

test("a hold is released after a confirmation that the service refuses", async () => {
  expect(await callsAfter(refusal)).toEqual(["confirm", "release"]);
});

test("the last confirmation decides", async () => {
  const unknown = failure(Code.Unavailable, { reason: "OUTCOME_UNKNOWN" });
  expect(await callsAfter(unknown, refusal)).toEqual(["confirm", "confirm", "release"]);
  expect(await callsAfter(refusal, unknown)).toEqual(["confirm", "confirm"]);
});

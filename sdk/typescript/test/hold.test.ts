import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BookingSchema } from "../src/index.ts";
import { clientOf, failure, order } from "./router.ts";

/** The calls that a scope makes after the hold, when the confirmation fails with this error or is cancelled. */
async function callsAfter(error: Error | "cancelled"): Promise<string[]> {
  const controller = new AbortController();
  const calls: string[] = [];
  const client = clientOf(
    {
      holdTickets: () => create(BookingSchema, { id: 1n }),
      confirmHold() {
        calls.push("confirm");
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
    await hold.confirm({}, { signal: controller.signal });
  };
  await expect(confirm()).rejects.toThrow();
  return calls;
}

test.each([
  { name: "OUTCOME_UNKNOWN", error: failure(Code.Unavailable, { reason: "OUTCOME_UNKNOWN" }) },
  { name: "a deadline", error: failure(Code.DeadlineExceeded, { reason: "DEADLINE_EXCEEDED" }) },
  { name: "a lost connection", error: new ConnectError("stream closed", Code.Canceled) },
])("a hold is not released after a confirmation that ends by $name", async ({ error }) => {
  expect(await callsAfter(error)).toEqual(["confirm"]);
});

test("a hold is not released after a confirmation that is cancelled", async () => {
  expect(await callsAfter("cancelled")).toEqual(["confirm"]);
});

test("a hold is released after a confirmation that the service refuses", async () => {
  const error = failure(Code.FailedPrecondition, { reason: "MORE_THAN_HELD", metadata: { held: "1" } });
  expect(await callsAfter(error)).toEqual(["confirm", "release"]);
});

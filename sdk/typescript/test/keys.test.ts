/** The keys of changes, by which a call can be repeated later. */
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BookingSchema, FrontrowError, newRequestId } from "../src/index.ts";
import { clientOf, failure, order } from "./router.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("a call without a key has a new one in all of its attempts", async () => {
  const keys: string[] = [];
  const client = clientOf({
    bookTickets({ requestId }) {
      keys.push(requestId);
      if (keys.length < 3) throw new ConnectError("gone", Code.Unavailable);
      return create(BookingSchema);
    },
  });
  await client.bookTickets(order);
  expect(keys[0]).toMatch(uuid);
  expect(keys).toEqual([keys[0], keys[0], keys[0]]);
  await client.bookTickets(order);
  expect(keys[3]).not.toBe(keys[0]);
});

test.each([undefined, ""])("the key %o is none: the client makes one", async (requestId) => {
  const keys: string[] = [];
  const client = clientOf({
    bookTickets(request) {
      keys.push(request.requestId);
      return create(BookingSchema);
    },
  });
  await client.bookTickets({ ...order, requestId });
  expect(keys).toEqual([expect.stringMatching(uuid)]);
});

test("an error has the key of its call, which is not the number of its request", async () => {
  const failing = () => {
    const error = failure(Code.Unavailable, { reason: "OUTCOME_UNKNOWN" });
    error.metadata.set("x-request-id", "request-1");
    throw error;
  };
  const client = clientOf({ bookTickets: failing, getBooking: failing }, { retry: { maxAttempts: 1 } });
  const requestId = newRequestId();
  const errorOf = (call: Promise<unknown>) => call.catch((error: unknown) => error as FrontrowError);
  expect(await errorOf(client.bookTickets({ ...order, requestId }))).toMatchObject({
    ...{ name: "OutcomeUnknown", idempotencyKey: requestId, requestId: "request-1" },
  });
  expect(await errorOf(client.bookTickets(order))).toMatchObject({ idempotencyKey: expect.stringMatching(uuid) });
  const read = await errorOf(client.getBooking(1n));
  expect(read).toBeInstanceOf(FrontrowError);
  expect(read).toMatchObject({ idempotencyKey: undefined });
});

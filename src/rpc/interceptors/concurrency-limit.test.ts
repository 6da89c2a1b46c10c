import { createContextValues, type UnaryRequest, type UnaryResponse } from "@connectrpc/connect";
import { beforeEach, expect, test } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { type RecordedEvents, recordEvents } from "../../../test/support/unit/events.ts";
import { readAccessRules } from "../access.ts";
import { setCaller } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import { createConcurrencyLimitInterceptor } from "./concurrency-limit.ts";
import { createLimitKeys } from "./limit-keys.ts";

const ruleOf = readAccessRules([BookingService]);
const { bookTickets, getBooking, confirmHold } = BookingService.method;
const rejected = { failure: { reason: "RATE_LIMITED", retryDelayMs: 1_000 } };

let events: RecordedEvents<RpcEvents>;
beforeEach(() => {
  events = recordEvents();
});

/** Calls with a handler, within a limit of unfinished bookings of one caller. */
function callsWithin(maxUnfinishedPerCaller: number) {
  const limitKeysOf = createLimitKeys(ruleOf, false);
  const intercept = createConcurrencyLimitInterceptor(ruleOf, limitKeysOf, maxUnfinishedPerCaller, events.publish);
  return (
    subject: string,
    handler: () => Promise<unknown>,
    method: typeof bookTickets | typeof getBooking | typeof confirmHold = bookTickets,
    scopes: readonly string[] = [],
  ) => {
    const contextValues = createContextValues();
    setCaller(contextValues, { subject, scopes: new Set(scopes), address: "192.0.2.1" });
    const request = { stream: false, method, contextValues } as unknown as UnaryRequest;
    return intercept(async () => (await handler()) as UnaryResponse)(request);
  };
}

const served = async () => "served";

test("a caller with too many unfinished bookings is rejected before its call begins, and another caller is not", async () => {
  const call = callsWithin(2);
  const open = [Promise.withResolvers(), Promise.withResolvers()];
  const held = open.map(({ promise }) => call("eve", () => promise));
  let hasBegun = false;
  const surplus = call("eve", async () => {
    hasBegun = true;
  });
  await expect(surplus).rejects.toMatchObject(rejected);
  await expect(surplus).rejects.toMatchObject({ failure: { problem: expect.stringContaining("at most 2 ") } });
  expect(hasBegun).toBe(false);
  expect(events.of("rpc.concurrency_limited")).toEqual([{ of: "bookings", by: "caller" }]);
  await expect(call("bob", served)).resolves.toBe("served");
  await expect(call("eve", served, getBooking)).resolves.toBe("served");
  for (const { resolve } of open) resolve("done");
  expect(await Promise.all(held)).toEqual(["done", "done"]);
});

test.each([
  ["succeeds", ({ resolve }: PromiseWithResolvers<unknown>) => resolve("done")],
  ["fails", ({ reject }: PromiseWithResolvers<unknown>) => reject(new Error("it failed"))],
])("a booking that %s leaves room at once", async (_how, finish) => {
  const call = callsWithin(2);
  const [first, second] = [Promise.withResolvers(), Promise.withResolvers()];
  const held = [call("eve", () => first.promise), call("eve", () => second.promise)];
  finish(first);
  await Promise.allSettled([held[0]]);
  await expect(call("eve", served)).resolves.toBe("served");
  second.resolve("done");
  await held[1];
});

test("a rejected booking takes no room", async () => {
  const call = callsWithin(1);
  const open = Promise.withResolvers();
  const held = call("eve", () => open.promise);
  const rejections = await Promise.allSettled(Array.from({ length: 100 }, () => call("eve", served)));
  expect(rejections.every(({ status }) => status === "rejected")).toBe(true);
  open.resolve("done");
  await held;
  await expect(call("eve", served)).resolves.toBe("served");
});

test("settlements of a caller have a limit apart from bookings, and those of a shop have none", async () => {
  const call = callsWithin(1);
  const open = Promise.withResolvers();
  const held = [bookTickets, confirmHold].map((method) => call("eve", () => open.promise, method));
  await expect(call("eve", served, confirmHold)).rejects.toMatchObject(rejected);
  expect(events.of("rpc.concurrency_limited")).toEqual([{ of: "settlements", by: "caller" }]);
  const settlements = Array.from({ length: 3 }, () =>
    call("shop", () => open.promise, confirmHold, ["bookings:confirm"]),
  );
  open.resolve("done");
  expect(await Promise.all([...held, ...settlements])).toEqual(Array.from({ length: 5 }, () => "done"));
});

import { Registry } from "prom-client";
import { expect, onTestFinished, test, vi } from "vitest";
import { readMetrics } from "../../../test/support/service/metrics.ts";
import type { LeftOut } from "../../booking/events.ts";
import { type AppEvents, createEventHub } from "../events.ts";
import { createInstruments } from "./instruments.ts";
import { observeInventory } from "./inventory.ts";

/** A comparison that begins now, as it is published, and the metric that follows it. */
function createStage(name: string) {
  const hub = createEventHub<AppEvents>((thrown) => expect.unreachable(String(thrown)));
  const registry = new Registry();
  observeInventory(hub.subscribe, createInstruments(registry));
  const value = async (of = name) => readMetrics(await registry.metrics()).value(`frontrow_inventory_${of}`);
  const check = (mismatched: number, pass?: LeftOut) => hub.publish("booking.inventory_checked", { mismatched, pass });
  return { value, check };
}

test("the mismatch is absent until one is found, or all concerts have been compared", async () => {
  const { value, check } = createStage("mismatch");
  expect(await value()).toBeUndefined();
  check(0);
  expect(await value()).toBeUndefined();
  // Whether the counters of the one that could not be read are right is not known.
  check(0, { tooLarge: 0, unread: 1 });
  expect(await value()).toBeUndefined();
  check(1);
  expect(await value()).toBe(1);
  check(0, { tooLarge: 2, unread: 0 });
  expect(await value()).toBe(0);
  expect(await value("skipped_concerts")).toBe(2);
});

test("the age is that of the begin until all concerts have been compared", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  onTestFinished(() => void vi.useRealTimers());
  const { value, check } = createStage("last_pass_timestamp_seconds");
  vi.setSystemTime(2_000_000);
  check(0);
  check(0, { tooLarge: 0, unread: 1 });
  expect(await value()).toBe(1_000);
  check(0, { tooLarge: 1, unread: 0 });
  expect(await value()).toBe(2_000);
});

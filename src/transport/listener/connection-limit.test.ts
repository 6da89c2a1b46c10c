import { expect, test, vi } from "vitest";
import { createConnectionGate } from "./connection-limit.ts";

const limits = { maxConnections: 5, maxConnectionsPerAddress: 2, trustedProxies: ["10.0.0.0/8"] };

test("lets so many of an address in, and another when one leaves", () => {
  const gate = createConnectionGate(limits);
  const leave = gate.enter("192.0.2.1");
  expect(gate.enter("::ffff:192.0.2.1")).toBeDefined();
  expect(gate.enter("192.0.2.1")).toBeUndefined();
  expect(gate.enter("192.0.2.2")).toBeDefined();
  leave?.();
  expect(gate.enter("192.0.2.1")).toBeDefined();
  expect(gate.enter("192.0.2.1")).toBeUndefined();
});

test("counts IPv6 by its /64", () => {
  const gate = createConnectionGate(limits);
  expect(gate.enter("2001:db8::1")).toBeDefined();
  expect(gate.enter("2001:db8::2")).toBeDefined();
  expect(gate.enter("2001:db8::3")).toBeUndefined();
  expect(gate.enter("2001:db8:0:1::3")).toBeDefined();
});

test("lets a trusted proxy have as many as there may be in all", () => {
  const gate = createConnectionGate(limits);
  const entered = Array.from({ length: 6 }, () => gate.enter("10.1.2.3"));
  expect(entered.map((leave) => leave !== undefined)).toEqual([true, true, true, true, true, false]);
  expect(gate.enter("192.0.2.1")).toBeUndefined();
  entered[0]?.();
  expect(gate.enter("192.0.2.1")).toBeDefined();
});

test("tells of refusals at once, then at most once a minute with their number", () => {
  vi.useFakeTimers();
  try {
    const onRefused = vi.fn();
    const gate = createConnectionGate({ ...limits, maxConnectionsPerAddress: 1, onRefused });
    gate.enter("192.0.2.1");
    for (let count = 0; count < 3; count++) gate.enter("192.0.2.1");
    const about = { limit: "maxConnectionsPerAddress", address: "192.0.2.1" };
    expect(onRefused.mock.calls).toEqual([[{ count: 1, ...about }]]);
    vi.advanceTimersByTime(60_000);
    gate.enter("192.0.2.1");
    expect(onRefused.mock.lastCall).toEqual([{ count: 3, ...about }]);
    for (let index = 2; index < 6; index++) gate.enter(`192.0.2.${index}`);
    vi.advanceTimersByTime(60_000);
    gate.enter("192.0.2.9");
    expect(onRefused.mock.lastCall).toEqual([{ count: 1, limit: "maxConnections", address: "192.0.2.9" }]);
  } finally {
    vi.useRealTimers();
  }
});

import { expect, test, vi } from "vitest";
import { ignoreEvents } from "../../domain/publish.ts";
import { createConnectionLimit } from "./connection-limit.ts";

const limits = {
  ...{ maxConnections: 5, maxConnectionsPerAddress: 2, trustedProxies: ["10.0.0.0/8"] },
  publish: ignoreEvents,
};

test("limits the connections of an address, and accepts another when one closes", () => {
  const limit = createConnectionLimit(limits);
  const leave = limit.enter("192.0.2.1");
  expect(limit.enter("::ffff:192.0.2.1")).toBeDefined();
  expect(limit.enter("192.0.2.1")).toBeUndefined();
  expect(limit.enter("192.0.2.2")).toBeDefined();
  leave?.();
  expect(limit.enter("192.0.2.1")).toBeDefined();
  expect(limit.enter("192.0.2.1")).toBeUndefined();
});

test("counts IPv6 by its /64", () => {
  const limit = createConnectionLimit(limits);
  expect(limit.enter("2001:db8::1")).toBeDefined();
  expect(limit.enter("2001:db8::2")).toBeDefined();
  expect(limit.enter("2001:db8::3")).toBeUndefined();
  expect(limit.enter("2001:db8:0:1::3")).toBeDefined();
});

test("limits a trusted proxy by the total only", () => {
  const limit = createConnectionLimit(limits);
  const entered = Array.from({ length: 6 }, () => limit.enter("10.1.2.3"));
  expect(entered.map((leave) => leave !== undefined)).toEqual([true, true, true, true, true, false]);
  expect(limit.enter("192.0.2.1")).toBeUndefined();
  entered[0]?.();
  expect(limit.enter("192.0.2.1")).toBeDefined();
});

test("publishes the first refusal at once, and then the number of refusals at most once a minute", () => {
  vi.useFakeTimers();
  try {
    const publish = vi.fn();
    const limit = createConnectionLimit({ ...limits, maxConnectionsPerAddress: 1, publish });
    limit.enter("192.0.2.1");
    for (let count = 0; count < 3; count++) limit.enter("192.0.2.1");
    const name = "transport.connections_refused";
    const about = { limit: "maxConnectionsPerAddress", address: "192.0.2.1" };
    expect(publish.mock.calls).toEqual([[name, { count: 1, ...about }]]);
    vi.advanceTimersByTime(60_000);
    limit.enter("192.0.2.1");
    expect(publish.mock.lastCall).toEqual([name, { count: 3, ...about }]);
    for (let index = 2; index < 6; index++) limit.enter(`192.0.2.${index}`);
    vi.advanceTimersByTime(60_000);
    limit.enter("192.0.2.9");
    expect(publish.mock.lastCall).toEqual([name, { count: 1, limit: "maxConnections", address: "192.0.2.9" }]);
  } finally {
    vi.useRealTimers();
  }
});

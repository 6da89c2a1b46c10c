import { createHandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { contextValuesOf } from "../rpc/caller.ts";
import { bindHealth, type WatchLimits } from "./health.ts";
import type { Readiness } from "./readiness.ts";

const ready: Pick<Readiness, "state" | "onChange" | "draining"> = {
  state: "ready",
  onChange: () => () => {},
  draining: new AbortController().signal,
};

/** Begins to watch as a client does: returns once the first status is there. */
function watcherOf(limits: WatchLimits) {
  const implementation = bindHealth([], ready as Readiness, limits).implementation as ServiceImpl<typeof Health>;
  return async (address = "192.0.2.1") => {
    const context = createHandlerContext({
      service: Health,
      method: Health.method.watch,
      protocolName: "grpc",
      requestMethod: "POST",
      url: "http://test/",
      contextValues: contextValuesOf(address),
    });
    const watch = implementation.watch({ $typeName: "grpc.health.v1.HealthCheckRequest", service: "" }, context);
    const statuses = watch[Symbol.asyncIterator]();
    await statuses.next();
    return statuses;
  };
}

test("so many may watch; one more may when one has gone", async () => {
  const watch = watcherOf({ maxWatchers: 2, maxWatchersPerAddress: 2, longestWatchMs: 60_000 });
  const [first] = [await watch(), await watch()];
  await expect(watch()).rejects.toThrow("[resource_exhausted] too many are watching");
  // It ends when it is next asked for a status.
  await first?.return?.();
  await watch();
});

test("so many may watch from an address, and others still may", async () => {
  const watch = watcherOf({ maxWatchers: 3, maxWatchersPerAddress: 1, longestWatchMs: 60_000 });
  const first = await watch("2001:db8::1");
  await expect(watch("2001:db8::2")).rejects.toThrow("[resource_exhausted] too many are watching");
  await watch("2001:db8:0:1::1");
  await first.return?.();
  await watch("2001:db8::2");
});

test("a watch ends by itself after a while, and leaves room", async () => {
  const watch = watcherOf({ maxWatchers: 1, maxWatchersPerAddress: 1, longestWatchMs: 10 });
  const statuses = await watch();
  expect(await statuses.next()).toMatchObject({ done: true });
  await watch();
});

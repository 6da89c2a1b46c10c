/** The service's interceptors without limits and tokens, but with what a test sets. */
import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { ignoreEvents } from "../../../src/domain/publish.ts";
import { type GuardReplacements, openGuards } from "../../../src/rpc/guards.ts";

export async function openTestGuards(
  services: readonly DescService[],
  instead: GuardReplacements,
  requestTimeoutMs = 10_000,
): Promise<Interceptor[]> {
  const settings = {
    auth: { mode: "none" },
    dataDir: "",
    redisUrl: undefined,
    requestTimeoutMs,
    rateLimits: { reads: 0, bookings: 0, settlements: 0, admin: 0, callersPerAddress: 20 },
    ...{ maxUnfinishedPerCaller: 1_000, maxStreams: 1, maxStreamsPerCaller: 1 },
  } as const;
  const { interceptors } = await openGuards(settings, {
    ...{ services, publish: ignoreEvents, draining: new AbortController().signal, stack: new AsyncDisposableStack() },
    instead: { eventLoopDelay: { currentMs: () => 0 }, ...instead },
  });
  return interceptors;
}

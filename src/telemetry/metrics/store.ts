import type { PoolName } from "../../store/events.ts";
import type { AppEvents, EventHub } from "../events.ts";
import { durationBuckets } from "./calls.ts";
import type { Instruments } from "./instruments.ts";

const pools: readonly PoolName[] = ["main", "aside"];
const outcomes = ["committed", "aborted", "unknown"] as const;

/** Observes the pool, the transactions and the probe of the database. */
export function observeStore(on: EventHub<AppEvents>["subscribe"], instruments: Instruments): void {
  const { counter, counterBy, gauge } = instruments;
  const connections = instruments.gauges(
    "frontrow_database_connections",
    "Connections to the database by pool: main serves calls, aside probes and recovers",
    ["pool", "state"],
    "sum",
  );
  const waits = instruments.histograms(
    "frontrow_database_connection_wait_seconds",
    "Wait for a connection of the pool",
    ["pool"],
    durationBuckets,
  );
  const ofPools = Object.fromEntries(
    pools.map((pool) => {
      const inUse = connections.series({ pool, state: "in_use" });
      return [pool, { inUse, wait: waits.series({ pool }) }];
    }),
  ) as Record<PoolName, { readonly inUse: { value: number }; readonly wait: { observe(value: number): void } }>;
  const refused = counter("frontrow_database_connection_refusals_total", "Callers that got no connection");
  const lost = counter("frontrow_database_connections_lost_total", "Idle connections that broke");
  const retries = counter(
    "frontrow_database_retries_total",
    "Reads and transactions repeated after a transient failure",
  );
  const inDoubt = counter("frontrow_commits_in_doubt_total", "COMMITs whose response was lost");
  const settled = counterBy(
    "frontrow_commits_settled_total",
    "COMMITs in doubt by what became of them",
    "outcome",
    outcomes,
  );
  const isUp = gauge("frontrow_database_up", "Whether the last probe found a database that takes writes", "min");

  on("store.connection_lent", ({ pool, waitMs }) => {
    ofPools[pool].inUse.value++;
    ofPools[pool].wait.observe(waitMs / 1_000);
  });
  on("store.connection_returned", ({ pool }) => ofPools[pool].inUse.value--);
  on("store.connection_refused", () => refused.value++);
  on("store.connection_lost", () => lost.value++);
  on("store.retried", () => retries.value++);
  for (const owner of ["booking", "store"] as const) {
    on(`${owner}.commit_in_doubt`, () => inDoubt.value++);
    on(`${owner}.commit_settled`, ({ outcome }) => settled[outcome].value++);
  }
  on("transport.database_probed", ({ isGood }) => {
    isUp.value = isGood ? 1 : 0;
  });
}

import type { PoolName } from "../../store/events.ts";
import type { AppEvents, EventHub } from "../events.ts";
import { durationBuckets } from "./calls.ts";
import type { Cell, Instruments } from "./instruments.ts";

const outcomes = ["committed", "aborted", "unknown"] as const;

/** Observes the pool, the transactions and the probe of the database. */
export function observeStore(on: EventHub<AppEvents>["subscribe"], instruments: Instruments): void {
  const { counter, counterBy } = instruments;
  const connections = instruments.gauges(
    "frontrow_database_connections",
    "Connections to the database by pool: main serves calls, aside probes and recovers",
    ["pool", "state"],
    "sum",
  );
  const waits = instruments.histograms(
    "frontrow_database_connection_wait_seconds",
    "Time that work waits for a connection, until it has one or gives up",
    ["pool"],
    durationBuckets,
  );
  const uses = instruments.histograms(
    "frontrow_database_connection_held_seconds",
    "Time that work uses a connection",
    ["pool"],
    durationBuckets,
  );
  const seriesOf = (pool: PoolName) => ({
    inUse: connections.series({ pool, state: "in_use" }),
    wait: waits.series({ pool }),
    use: uses.series({ pool }),
  });
  const ofPools: Readonly<Record<PoolName, ReturnType<typeof seriesOf>>> = {
    main: seriesOf("main"),
    aside: seriesOf("aside"),
  };
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
  // After a failover the processes find the new primary one after the other. Before its first probe a process knows nothing.
  const upHelp = "Whether the last probe found a database that takes writes";
  const up = instruments.gauges("frontrow_database_up", upHelp, [], "max");
  let isUp: Cell | undefined;

  on("store.connection_waited", ({ pool, waitMs }) => ofPools[pool].wait.observe(waitMs / 1_000));
  on("store.connection_lent", ({ pool }) => ofPools[pool].inUse.value++);
  on("store.connection_returned", ({ pool, heldMs }) => {
    ofPools[pool].inUse.value--;
    ofPools[pool].use.observe(heldMs / 1_000);
  });
  on("store.connection_refused", () => refused.value++);
  on("store.connection_lost", () => lost.value++);
  on("store.retried", () => retries.value++);
  for (const owner of ["booking", "store"] as const) {
    on(`${owner}.commit_in_doubt`, () => inDoubt.value++);
    on(`${owner}.commit_settled`, ({ outcome }) => settled[outcome].value++);
  }
  on("transport.database_probed", ({ isGood }) => {
    isUp ??= up.series({});
    isUp.value = isGood ? 1 : 0;
  });
}

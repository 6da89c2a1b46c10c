/** What a workload runs on: a new database, servers of the kinds that it needs, and the load generator. */
import { join } from "node:path";
import { createIssuer, type Issuer } from "./issuer.ts";
import type { LoadResult, LoadSpec } from "./load/spec.ts";
import type { LiveStage } from "./measure.ts";
import type { BenchPostgres } from "./postgres.ts";
import { type Child, startChild } from "./questions.ts";
import type { ServerQuestion } from "./server.ts";
import { serviceFlags } from "./service-flags.ts";
import { startTraceSink, type TraceSink } from "./trace-sink.ts";
import type { ServerKind } from "./workloads.ts";

export interface StageOptions {
  /** The folder for a processor profile of each server. */
  readonly profileFolder: string | undefined;
  /** Moves the load generator to separate cores, if it has some. */
  readonly pinGenerator: (pid: number) => void;
}

/** Runs something on a stage that is new, and removes the stage afterwards. */
export async function onStage<Result>(
  postgres: BenchPostgres,
  kinds: readonly ServerKind[],
  { profileFolder, pinGenerator }: StageOptions,
  run: (stage: LiveStage) => Promise<Result>,
): Promise<Result> {
  await using closing = new AsyncDisposableStack();
  const database = await postgres.createDatabase();
  closing.defer(() => database.drop());
  const issuer = await createIssuer();
  const sink = await startTraceSink();
  closing.defer(sink.close);
  const serverOf = serversOf(issuer, sink);
  const profiling = profileFolder ? ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`] : [];
  const servers: Child<ServerQuestion, unknown>[] = [];
  for (const kind of kinds) {
    const { script, settings } = serverOf[kind];
    const server = await startChild<ServerQuestion, unknown>(join(import.meta.dirname, script), {
      argv: [database.url, JSON.stringify(settings)],
      execArgv: [...serviceFlags, ...profiling],
    });
    closing.defer(server.stop);
    servers.push(server);
  }
  const load = await startChild<LoadSpec, LoadResult>(join(import.meta.dirname, "load.ts"));
  closing.defer(load.stop);
  if (load.pid !== undefined) pinGenerator(load.pid);
  const ports = (await Promise.all(servers.map((server) => server.ask("port")))) as number[];
  const metricsPort = (await servers[kinds.indexOf("metrics")]?.ask("metrics port")) as number | undefined;
  const result = await run({ database, servers, load, ports, kinds, issuer, metricsPort });
  if (kinds.includes("traced") && sink.exports() === 0) throw new Error("no traces were exported");
  return result;
}

interface ServerScript {
  readonly script: string;
  readonly settings: object;
}

/** What each kind of server runs. */
function serversOf(issuer: Issuer, sink: TraceSink): Readonly<Record<ServerKind, ServerScript>> {
  const own = (settings: object) => ({ script: "server.ts", settings });
  const shipped = (settings: object) => ({ script: "workers-server.ts", settings });
  return {
    none: own({}),
    jwt: own(issuer.settings),
    metrics: own({ APP_METRICS_PORT: "0" }),
    traced: own(sink.settings),
    "one worker": shipped({ APP_WORKERS: "1" }),
    "two workers": shipped({ APP_WORKERS: "2" }),
  };
}

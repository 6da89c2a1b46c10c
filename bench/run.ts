/** Runs workloads, one after the other, each with its own database and server processes. */
import { join } from "node:path";
import { createIssuer, type Issuer } from "./issuer.ts";
import type { LoadResult, LoadSpec } from "./load/spec.ts";
import { type LiveStage, type MeasuredLoad, measure, type Timing } from "./measure.ts";
import { manyUsers, subjectNames } from "./names.ts";
import type { BenchPostgres } from "./postgres.ts";
import { type Child, startChild } from "./questions.ts";
import type { Measurement, RowWrites } from "./results.ts";
import { countRowWrites } from "./row-writes.ts";
import type { ServerQuestion } from "./server.ts";
import { serviceFlags } from "./service-flags.ts";
import type { Subject, Variant } from "./subjects.ts";
import { startTraceSink, type TraceSink } from "./trace-sink.ts";
import type { ServerKind, Workload } from "./workloads.ts";

export interface RunOptions {
  readonly rounds: number;
  readonly timing: Timing;
  readonly isWanted: (subject: Subject) => boolean;
  /** The folder for a processor profile of each server. */
  readonly profileFolder: string | undefined;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Found {
  readonly measurements: readonly Measurement[];
  readonly rowWrites: readonly RowWrites[];
}

/** The longest warm-up run of a subject with one variant. With several, the run that chooses one takes the full time. */
const longestTrialMs = 2_000;

/** Runs a workload. Rejects if an outcome is wrong. */
export async function runWorkload(postgres: BenchPostgres, workload: Workload, options: RunOptions): Promise<Found> {
  const closing: (() => Promise<void>)[] = [];
  try {
    const database = await postgres.createDatabase();
    closing.push(() => database.drop());
    const profiling = options.profileFolder ? ["--cpu-prof", `--cpu-prof-dir=${options.profileFolder}`] : [];
    const servers: Child<ServerQuestion, unknown>[] = [];
    const issuer = await createIssuer();
    const sink = await startTraceSink();
    closing.push(sink.close);
    const serverOf = serversOf(issuer, sink);
    for (const kind of workload.servers) {
      const { script, settings } = serverOf[kind];
      const server = await startChild<ServerQuestion, unknown>(join(import.meta.dirname, script), {
        argv: [database.url, JSON.stringify(settings)],
        execArgv: [...serviceFlags, ...profiling],
      });
      closing.push(server.stop);
      servers.push(server);
    }
    const load = await startChild<LoadSpec, LoadResult>(join(import.meta.dirname, "load.ts"));
    closing.push(load.stop);
    const ports = (await Promise.all(servers.map((server) => server.ask("port")))) as number[];
    const metricsServer = servers[workload.servers.indexOf("metrics")];
    const metricsPort = (await metricsServer?.ask("metrics port")) as number | undefined;
    const stage = { database, servers, load, ports, kinds: workload.servers, issuer, metricsPort };
    const found = await measureSubjects(stage, workload, options);
    if (workload.servers.includes("traced") && sink.exports() === 0) throw new Error("no traces were exported");
    return found;
  } finally {
    for (const close of closing.reverse()) await close();
  }
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

async function measureSubjects(stage: LiveStage, workload: Workload, options: RunOptions): Promise<Found> {
  const { timing, rounds, isWanted, say, signal } = options;
  if (workload.preparation) say(`  ${workload.preparation}`);
  const subjects = (await workload.subjects(stage)).filter(isWanted);
  const rowWrites: RowWrites[] = [];
  const counted = subjects.find(({ name, users }) => name === subjectNames.booking && users === manyUsers);
  if (workload.countsRowWrites && counted) {
    const counts = await countRowWrites(stage, counted, timing);
    rowWrites.push({ ...counts, workload: workload.name });
    say(`  ${title(counted)}: ${counts.updates} updates of the row for ${counts.bookings} bookings`);
  }
  const cast: { subject: Subject; variant: Variant }[] = [];
  for (const subject of subjects) {
    signal.throwIfAborted();
    cast.push({ subject, variant: await chooseVariant(stage, subject, options) });
  }
  const measurements: Measurement[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const { subject, variant } of cast) {
      signal.throwIfAborted();
      const measured = await measure(stage, subject, variant, timing);
      measurements.push({ ...measured, workload: workload.name, round });
      say(`  ${round}/${rounds} ${title(subject)}: ${describe(measured)}`);
    }
  }
  return { measurements, rowWrites };
}

/** Runs each variant once, and takes the one with the highest throughput. */
async function chooseVariant(
  stage: LiveStage,
  subject: Subject,
  { timing, say, signal }: RunOptions,
): Promise<Variant> {
  const { variants } = subject;
  const trial = { ...timing, measureMs: Math.min(timing.measureMs, longestTrialMs) };
  let best: { variant: Variant; perSecond: number } | undefined;
  for (const variant of variants) {
    signal.throwIfAborted();
    const { confirmedPerSecond } = await measure(stage, subject, variant, variants.length > 1 ? timing : trial);
    if (variants.length > 1) say(`  ${title(subject)} with ${variant.name}: ${whole(confirmedPerSecond)}/s`);
    if (!best || confirmedPerSecond > best.perSecond) best = { variant, perSecond: confirmedPerSecond };
  }
  if (!best) throw new Error(`${subject.name} has no variants`);
  return best.variant;
}

const title = ({ name, protocol, users }: Subject) => `${name}, ${protocol}, ${whole(users)} at once`;
const whole = (value: number) => Math.round(value).toLocaleString("en-US");

function describe({ answersPerSecond, latency, refusals, serverCores, generatorCores }: MeasuredLoad): string {
  const { p50Ms, p99Ms } = latency;
  const refused = Object.entries(refusals).map(([reason, count]) => `, ${count} ${reason}`);
  const cores = `cores ${serverCores.toFixed(2)} + ${generatorCores.toFixed(2)}`;
  return `${whole(answersPerSecond)}/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ${cores}${refused.join("")}`;
}

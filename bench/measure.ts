import type { LoadResult, LoadSpec, Pace, Tally } from "./load/spec.ts";
import type { Child } from "./questions.ts";
import type { Measurement } from "./results.ts";
import type { ServerQuestion, ServerUsage } from "./server.ts";
import type { Prepared, Stage, Subject, Variant } from "./subjects.ts";

/** How long one measurement takes. */
export interface Timing {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** A stage with its processes. */
export interface LiveStage extends Stage {
  readonly servers: readonly Child<ServerQuestion, unknown>[];
  readonly load: Child<LoadSpec, LoadResult>;
}

export type MeasuredLoad = Omit<Measurement, "workload" | "round">;

/** Runs one load and verifies its outcome. Rejects if the outcome is wrong, so that it has no figure. */
export async function measure(
  stage: LiveStage,
  subject: Subject,
  variant: Variant,
  timing: Timing,
): Promise<MeasuredLoad> {
  const { verify, ports = stage.ports, pace, beside, ...requests } = await variant.prepare(stage);
  await checkpoint(stage);
  const before = await usageOf(stage);
  const end = await beside?.(timing);
  const load = await stage.load
    .ask({ ...requests, ports, users: subject.users, pace: paceOf(pace, timing) })
    .finally(() => end?.());
  const after = await usageOf(stage);
  await verify(load);

  if (sum(load.measured) === 0) throw new Error(`nothing was answered in ${timing.measureMs} ms`);
  const seconds = load.runMs / 1_000;
  const { OK: confirmed = 0, ...refusals } = load.measured;
  const perSecond = (count: number) => (count / load.elapsedMs) * 1_000;
  return {
    subject: subject.name,
    variant: variant.name,
    protocol: subject.protocol,
    users: subject.users,
    answersPerSecond: perSecond(sum(load.measured)),
    confirmedPerSecond: perSecond(confirmed),
    latency: load.latency,
    slowestConfirmedMs: load.slowestConfirmedMs,
    refusals,
    statements: after.statements - before.statements,
    transactions: after.transactions - before.transactions,
    reads: after.reads - before.reads,
    answers: sum(load.all),
    seconds,
    serverCores: (after.cpuMs - before.cpuMs) / 1_000 / seconds,
    generatorCores: load.coresUsed,
    serverMicroseconds: ((after.cpuMs - before.cpuMs) * 1_000) / sum(load.all),
  };
}

/** Every measurement begins right after a checkpoint, so that none has one in its middle. */
async function checkpoint({ database }: Stage): Promise<void> {
  // A role without the right to do it measures without.
  await database.query("checkpoint").catch(() => {});
}

function paceOf(pace: Prepared["pace"], timing: Timing): Pace {
  if (pace === undefined) return { kind: "closed", ...timing };
  return "ratePerSecond" in pace ? { kind: "open", ...timing, ...pace } : { kind: "count", ...pace };
}

async function usageOf({ servers }: LiveStage): Promise<ServerUsage> {
  const usages = await Promise.all(servers.map((server) => server.ask("usage") as Promise<ServerUsage>));
  const total = (of: (usage: ServerUsage) => number) => usages.reduce((sum, usage) => sum + of(usage), 0);
  return {
    statements: total(({ statements }) => statements),
    transactions: total(({ transactions }) => transactions),
    reads: total(({ reads }) => reads),
    cpuMs: total(({ cpuMs }) => cpuMs),
  };
}

function sum(tally: Tally): number {
  return Object.values(tally).reduce((total, count) => total + count, 0);
}

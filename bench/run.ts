/** Runs workloads, one after the other, each with its own database and server processes. */
import { type LiveStage, type MeasuredLoad, measure, type Timing } from "./measure.ts";
import { manyUsers, subjectNames } from "./names.ts";
import type { BenchPostgres } from "./postgres.ts";
import type { Measurement, RowWrites } from "./results.ts";
import { countRowWrites } from "./row-writes.ts";
import { onStage, type StageOptions } from "./stage.ts";
import type { Subject, Variant } from "./subjects.ts";
import type { ComparedWorkload, SharedWorkload, Workload } from "./workloads.ts";

export interface RunOptions extends StageOptions {
  readonly rounds: number;
  readonly timing: Timing;
  readonly isWanted: (subject: Subject) => boolean;
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
  if ("compared" in workload) return await compareServers(postgres, workload, options);
  return await onStage(postgres, workload.servers, options, (stage) => measureSubjects(stage, workload, options));
}

/** Measures each subject on its own server, and in every other round in the opposite order. */
async function compareServers(
  postgres: BenchPostgres,
  { name, compared }: ComparedWorkload,
  options: RunOptions,
): Promise<Found> {
  const { rounds, timing, isWanted, say, signal } = options;
  const wanted = compared.filter(({ subject }) => isWanted(subject));
  const measurements: Measurement[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const { server, subject } of round % 2 === 0 ? wanted.toReversed() : wanted) {
      signal.throwIfAborted();
      const measured = await onStage(postgres, [server], options, async (stage) =>
        measure(stage, subject, await chooseVariant(stage, subject, options), timing),
      );
      measurements.push({ ...measured, workload: name, round });
      say(`  ${round}/${rounds} ${title(subject)}: ${describe(measured)}`);
    }
  }
  return { measurements, rowWrites: [] };
}

async function measureSubjects(stage: LiveStage, workload: SharedWorkload, options: RunOptions): Promise<Found> {
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

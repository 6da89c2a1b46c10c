/** Measures this checkout against another one in turns, to show what a change costs. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createIssuer } from "./issuer.ts";
import type { LoadResult, LoadSpec } from "./load/spec.ts";
import { type LiveStage, measure, type Timing } from "./measure.ts";
import { manyUsers, subjectNames } from "./names.ts";
import type { BenchPostgres } from "./postgres.ts";
import { type Child, startChild } from "./questions.ts";
import type { Protocol } from "./requests.ts";
import type { Measurement } from "./results.ts";
import type { ServerQuestion } from "./server.ts";
import { serviceFlags } from "./service-flags.ts";
import { type Figure, figureOf } from "./statistics.ts";
import { booking, getConcert, noop, type Subject, subject } from "./subjects.ts";

export interface AgainstOptions {
  /** The root of the other checkout, with its packages installed. */
  readonly folder: string;
  readonly rounds: number;
  readonly timing: Timing;
  readonly isWanted: (subject: Subject) => boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** This checkout's throughput, and its processor time for an answer, as multiples of the other's. */
export interface Ratio {
  readonly title: string;
  readonly answersPerSecond: Figure;
  readonly serverMicroseconds: Figure;
}

const protocols: readonly Protocol[] = ["REST", "Connect", "gRPC", "gRPC-Web"];

/**
 * A ratio for each subject. Each round has new server processes, because a process keeps what it has compiled and its rounds
 * would not be independent. A round measures both checkouts, and every other round the other checkout first.
 */
export async function measureAgainst(postgres: BenchPostgres, options: AgainstOptions): Promise<Ratio[]> {
  const subjects = protocols.flatMap(subjectsOf).filter(options.isWanted);
  const pairs = new Map(subjects.map((each) => [each, [] as Pair[]]));
  const load = await startChild<LoadSpec, LoadResult>(join(import.meta.dirname, "load.ts"));
  try {
    for (let round = 1; round <= options.rounds; round++) await measureRound(postgres, load, round, pairs, options);
  } finally {
    await load.stop();
  }
  return [...pairs].map(([each, measured]) => ({
    title: titleOf(each),
    answersPerSecond: ratioOf(measured, (one) => one.answersPerSecond),
    serverMicroseconds: ratioOf(measured, (one) => one.serverMicroseconds),
  }));
}

async function measureRound(
  postgres: BenchPostgres,
  load: Child<LoadSpec, LoadResult>,
  round: number,
  pairs: ReadonlyMap<Subject, Pair[]>,
  { folder, rounds, timing, say, signal }: AgainstOptions,
): Promise<void> {
  await using closing = new AsyncDisposableStack();
  const ours = await openStage(postgres, join(import.meta.dirname, ".."), load, closing);
  const theirs = await openStage(postgres, folder, load, closing);
  const isOursFirst = round % 2 === 0;
  for (const [each, measured] of pairs) {
    signal.throwIfAborted();
    const [variant] = each.variants;
    if (!variant) throw new Error(`${each.name} has no variants`);
    const run = (stage: LiveStage) => measure(stage, each, variant, timing);
    const first = await run(isOursFirst ? ours : theirs);
    const second = await run(isOursFirst ? theirs : ours);
    const pair: Pair = isOursFirst ? [first, second] : [second, first];
    measured.push(pair);
    say(`  ${round}/${rounds} ${titleOf(each)}: ${pair.map(describe).join(" against ")}`);
  }
}

/** Of this checkout, and of the other one. */
type Pair = [ours: Measured, theirs: Measured];
type Measured = Pick<Measurement, "answersPerSecond" | "serverMicroseconds">;

function subjectsOf(protocol: Protocol): Subject[] {
  return [
    subject(subjectNames.booking, protocol, manyUsers, booking(protocol, manyUsers)),
    noop(protocol, manyUsers),
    subject(subjectNames.cached, protocol, manyUsers, getConcert(protocol, false)),
    // The generator sends no headers over gRPC.
    ...(protocol === "gRPC" ? [] : [subject(subjectNames.fresh, protocol, manyUsers, getConcert(protocol, true))]),
  ];
}

/** A checkout's server with its own database, which the checkout migrates: the two may have different migrations. */
async function openStage(
  postgres: BenchPostgres,
  folder: string,
  load: Child<LoadSpec, LoadResult>,
  closing: AsyncDisposableStack,
): Promise<LiveStage> {
  const database = await postgres.createDatabase("none");
  closing.defer(() => database.drop());
  await migrate(folder, database.url);
  const server = await startChild<ServerQuestion, unknown>(join(folder, "bench", "server.ts"), {
    argv: [database.url],
    execArgv: serviceFlags,
  });
  closing.defer(server.stop);
  const port = (await server.ask("port")) as number;
  return { database, servers: [server], load, ports: [port], kinds: ["none"], issuer: await createIssuer() };
}

async function migrate(folder: string, databaseUrl: string): Promise<void> {
  const env = { ...process.env, APP_DATABASE_URL: databaseUrl, APP_LOG_LEVEL: "error" };
  await promisify(execFile)(process.execPath, ["src/main.ts", "--migrate"], { cwd: folder, env });
}

function ratioOf(pairs: readonly Pair[], figure: (one: Measured) => number): Figure {
  const ratio = figureOf(pairs.map(([ours, theirs]) => figure(ours) / figure(theirs)));
  if (!ratio) throw new Error("nothing was measured");
  return ratio;
}

const titleOf = ({ name, protocol, users }: Subject) => `${name}, ${protocol}, ${users} at once`;
const describe = ({ answersPerSecond, serverMicroseconds }: Measured) =>
  `${Math.round(answersPerSecond)}/s (${Math.round(serverMicroseconds)} µs)`;

import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly command: "run" | "check" | "show" | "against" | "help";
  /** The other checkout, to measure this one against. */
  readonly against: string | undefined;
  readonly kind: "quick" | "full";
  /** Whether to measure only what the newest full run lacks, and add it to that. */
  readonly continues: boolean;
  /** Workloads to measure again even if the run has them: those whose title contains one of these. */
  readonly again: readonly string[];
  /** Only workloads whose title contains one of these; all if there are none. */
  readonly only: readonly string[];
  /** Of these only subjects whose name contains one of these; all if there are none. */
  readonly subjects: readonly string[];
  readonly secondsAMeasurement: number;
  readonly rounds: number;
  readonly profileFolder: string | undefined;
}

/** A command line that cannot be followed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const usage = `npm run bench                        measures everything, in about an hour, and writes docs/benchmarks.md
npm run bench -- --quick             measures the most important, within two minutes
npm run bench -- --continue          continues the newest full run if it was interrupted
npm run bench -- --again NAME        measures the workloads with NAME in their title again, for the newest full run
npm run bench -- --check             compares the newest results with the thresholds; exits 1 if one is missed
npm run bench -- --show              prints every table of the newest full run, and writes docs/benchmarks.md
npm run bench -- --against FOLDER    measures this checkout against another one, in turns; prints ratios

For trials, whose results are printed and not kept:
  --only NAME              only workloads with NAME in their title, or with --against only protocols with NAME in their
                           name; may be given several times
  --subject NAME           of these only subjects with NAME in their name; may be given several times
  --seconds N              how long each measurement takes
  --rounds N               how often each subject is measured
  --profile FOLDER         writes a processor profile of each server

APP_BENCH_DATABASE_URL names a PostgreSQL server to use in place of the embedded one, with a user that may create databases.
APP_BENCH_POSTGRES=oldest uses the embedded binaries of the oldest supported major version, on linux-x64.
`;

const kinds = {
  full: { secondsAMeasurement: 5, rounds: 5 },
  quick: { secondsAMeasurement: 0.8, rounds: 3 },
} as const;
const mostSeconds = 60;
const mostRounds = 50;

/** Reads the arguments after the script's name. Throws a UsageError. */
export function readOptions(argv: readonly string[]): BenchOptions & { readonly isTrial: boolean } {
  const { values } = parse(argv);
  const kind = values.quick ? "quick" : "full";
  const again = values.again ?? [];
  const continues = values.continue === true || again.length > 0;
  if (values.quick && continues) throw new UsageError("only a full run can be continued");
  const given = {
    seconds: positive("seconds", values.seconds, mostSeconds),
    rounds: positive("rounds", values.rounds, mostRounds),
  };
  return {
    command: commandOf(values),
    against: values.against,
    kind,
    continues,
    again,
    only: values.only ?? [],
    subjects: values.subject ?? [],
    secondsAMeasurement: given.seconds ?? kinds[kind].secondsAMeasurement,
    rounds: Math.ceil(given.rounds ?? kinds[kind].rounds),
    profileFolder: values.profile,
    isTrial: [values.only, values.subject, values.seconds, values.rounds, values.profile].some(
      (value) => value !== undefined,
    ),
  };
}

function commandOf({ help, check, show, against }: ReturnType<typeof parse>["values"]): BenchOptions["command"] {
  if (help) return "help";
  if (check) return "check";
  if (show) return "show";
  return against === undefined ? "run" : "against";
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        quick: { type: "boolean" },
        check: { type: "boolean" },
        show: { type: "boolean" },
        against: { type: "string" },
        continue: { type: "boolean" },
        again: { type: "string", multiple: true },
        help: { type: "boolean" },
        only: { type: "string", multiple: true },
        subject: { type: "string", multiple: true },
        seconds: { type: "string" },
        rounds: { type: "string" },
        profile: { type: "string" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function positive(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && value <= most)) throw new UsageError(`--${name} takes a number up to ${most}, not "${text}"`);
  return value;
}

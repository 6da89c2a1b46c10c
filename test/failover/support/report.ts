/** How long bookings failed because of a fault, as lines of a table. */
import type { Crowd } from "../../support/booking/crowd.ts";
import { verdict } from "../../support/protocols/outcomes.ts";

/** A time without a success, in milliseconds. */
interface Silence {
  /** From the fault to the success that ended it. */
  readonly endsAfter: number;
  readonly length: number;
}

/** The longest time without a success between two instants, of the service that had the longer one. */
export function longestSilence({ grantedAt }: Crowd, from: number, until: number): Silence {
  const silences = grantedAt.map((instants) => silenceOf(instants, from, until));
  return silences.reduce((one, other) => (one.length > other.length ? one : other));
}

function silenceOf(instants: readonly number[], from: number, until: number): Silence {
  let longest: Silence = { endsAfter: 0, length: 0 };
  let before = from;
  for (const instant of [...instants.filter((each) => each > from && each < until), until]) {
    if (instant - before > longest.length) longest = { endsAfter: instant - from, length: instant - before };
    before = instant;
  }
  return longest;
}

/** How often the crowd got each answer, the most frequent first. */
export function countAnswers({ wishes }: Crowd): string {
  const answers = wishes.flatMap(({ outcomes }) => outcomes.map((outcome) => (outcome.ok ? "OK" : verdict(outcome))));
  const counts = [...Map.groupBy(answers, (answer) => answer)].map(([answer, all]) => ({ answer, count: all.length }));
  counts.sort((one, other) => other.count - one.count);
  return counts.map(({ answer, count }) => `${count} ${answer}`).join(", ");
}

export function inSeconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}

/** Writes a table with its columns in line. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  process.stdout.write(`\n${lines.join("\n")}\n\n`);
}

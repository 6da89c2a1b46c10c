/** What the players found, and the table of it. */
import { readFile } from "node:fs/promises";
import { z } from "zod";

/** A line of a player's results file. */
export const resultLine = z.strictObject({
  /** The client: a language, with its transport or style if the language has several clients. */
  language: z.string(),
  scenario: z.string(),
  outcome: z.enum(["passed", "failed"]),
  seconds: z.number(),
  message: z.string().default(""),
});
export type Result = z.infer<typeof resultLine>;

/** Reads a results file. A player that has not begun has none, and one that was killed may have a line without its end. */
export async function readResults(path: string): Promise<{ readonly results: Result[]; readonly faults: string[] }> {
  const text = await readFile(path, "utf8").catch(() => "");
  const results: Result[] = [];
  const faults: string[] = [];
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const { success, data } = resultLine.safeParse(parseJson(line));
    if (success) results.push(data);
    else faults.push(`no result: ${line}`);
  }
  return { results, faults };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Table {
  readonly text: string;
  /** Each cell that is empty or failed. */
  readonly faults: readonly string[];
}

/** The table of scenarios and clients. A scenario that is unknown, or has two results, is a fault as well. */
export function tabulate(scenarios: readonly string[], clients: readonly string[], results: readonly Result[]): Table {
  const faults = results
    .filter(({ scenario, language }) => !scenarios.includes(scenario) || !clients.includes(language))
    .map(({ scenario, language }) => `${language}: there is no such client, or no scenario "${scenario}"`);
  const rows = scenarios.map((scenario) => [
    scenario,
    ...clients.map((client) => {
      const [result, second] = results.filter((each) => each.language === client && each.scenario === scenario);
      if (second) faults.push(`${client}: ${scenario}: two results`);
      if (!result) faults.push(`${client}: ${scenario}: no result`);
      else if (result.outcome === "failed") faults.push(`${client}: ${scenario}: ${result.message}`);
      return result ? `${result.outcome} ${result.seconds.toFixed(1)} s` : "";
    }),
  ]);
  return { text: align([["scenario", ...clients], ...rows]), faults };
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

import { parseArgs } from "node:util";
import { duration } from "./kinds.ts";
import { settingList } from "./schema.ts";
import { type Given, type SourceContent, unknownName } from "./sources.ts";

export type Command = "serve" | "migrate" | "help" | "version";

/** What the command line contains besides settings. */
interface CommandLine extends SourceContent {
  readonly command: Command;
  readonly configFile: string | undefined;
  readonly waitForDbMs: number | undefined;
}

export const defaultWaitText = "60s";

const settingByFlag = new Map(settingList.map((setting) => [setting.flag, setting]));
/** In the order of their precedence. */
const commands = ["help", "version", "migrate"] as const;
const flagsWithValue = [...settingByFlag.keys(), "--config"];
const flagsWithout = [...commands.map((command) => `--${command}`), "--wait-for-db"];
const knownFlags = [...flagsWithValue, ...flagsWithout, "-migrate", "-h"];

const options = Object.fromEntries([
  ...flagsWithValue.map((flag) => [flag.slice(2), { type: "string" }] as const),
  ...flagsWithout.map((flag) => [flag.slice(2), { type: "boolean" }] as const),
]);

/** Reads the command line. Of a repeated flag the last one counts. */
export function readFlags(argv: readonly string[]): CommandLine {
  const given: Given[] = [];
  const problems: string[] = [];
  const found = new Set<string>();
  let configFile: string | undefined;
  let waitForDbMs: number | undefined;
  let unknown: number | undefined;

  for (const token of splitArguments(argv)) {
    if (token.kind === "positional") {
      // An unknown flag probably has a value, which would otherwise cause a second, confusing problem.
      if (token.index - 1 !== unknown) problems.push(`argument ${token.index + 1} is not a flag; flags begin with --`);
      continue;
    }
    if (token.kind === "option-terminator") {
      problems.push(unknownName("--", knownFlags));
      break;
    }
    const { rawName: flag, value } = token;
    const setting = settingByFlag.get(flag);
    if (flag === "--wait-for-db") {
      const parsed = duration.parse(value ?? defaultWaitText);
      if ("problem" in parsed) problems.push(`${flag}: ${parsed.problem}`);
      else waitForDbMs = parsed.value;
    } else if (flagsWithout.includes(flag)) {
      found.add(token.name);
      if (value !== undefined) problems.push(`${flag} takes no value`);
    } else if (!flagsWithValue.includes(flag)) {
      problems.push(unknownName(writtenName(flag), knownFlags));
      unknown = token.index;
    } else if (!value) {
      problems.push(`${flag} needs a value`);
    } else if (setting === undefined) {
      configFile = value;
    } else {
      given.push({ setting, text: value, name: flag });
    }
  }
  const command = commands.find((name) => found.has(name)) ?? "serve";
  return { command, configFile, waitForDbMs, given, problems, warnings: [] };
}

/** An unknown flag as it was written. Of -pVALUE, which may hold a secret, the first letter, unless a dash is missing. */
function writtenName(flag: string): string {
  if (!flag.startsWith("---")) return flag;
  const name = flag.slice(2);
  return knownFlags.includes(`-${name}`) ? name : name.slice(0, 2);
}

/** The flags with their values, in either spelling: `--flag VALUE` and `--flag=VALUE`. */
function splitArguments(argv: readonly string[]) {
  const args = argv.map((argument, index) => {
    if (/^-migrate(=|$)/.test(argument)) return `-${argument}`;
    if (argument === "-h") return "--help";
    // `parseArgs` would split it into letters. It is unknown as a whole.
    if (/^-[^-]./.test(argument) && !flagsWithValue.includes(argv[index - 1] ?? "")) return `--${argument}`;
    // A value may begin with a dash, as a password may, but a known flag is not a value.
    const next = argv[index + 1]?.split("=", 1)[0] ?? "";
    return flagsWithValue.includes(argument) && knownFlags.includes(next) ? `${argument}=` : argument;
  });
  return parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

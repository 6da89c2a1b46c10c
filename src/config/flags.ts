import { duration } from "./kinds.ts";
import { settingList } from "./settings.ts";
import type { Given, SourceContent } from "./sources.ts";
import { printableName } from "./sources.ts";
import { suggestion } from "./suggest.ts";

export type Command = "serve" | "migrate" | "help" | "version";

/** What the command line asks for beside the settings it gives. */
export interface CommandLine extends SourceContent {
  readonly command: Command;
  readonly configFile: string | undefined;
  readonly waitForDbMs: number | undefined;
}

const commandFlags = new Map<string, Command>([
  ["--migrate", "migrate"],
  ["-migrate", "migrate"],
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
]);
const configFlag = "--config";
const waitFlag = "--wait-for-db";
export const defaultWaitText = "60s";

const settingByFlag = new Map(settingList.map((setting) => [setting.flag, setting]));
const knownFlags = [...settingByFlag.keys(), ...commandFlags.keys(), configFlag, waitFlag];

interface Argument {
  readonly flag: string;
  readonly value: string | undefined;
  /** Counted from 1, for what must not be quoted. */
  readonly position: number;
}

/** Reads the command line. Of a flag that is repeated, the last one counts. */
export function readFlags(argv: readonly string[]): CommandLine {
  const given: Given[] = [];
  const problems: string[] = [];
  const commands = new Set<Command>();
  let configFile: string | undefined;
  let waitForDbMs: number | undefined;

  for (const { flag, value, position } of splitArguments(argv)) {
    const command = commandFlags.get(flag);
    const setting = settingByFlag.get(flag);
    if (command !== undefined) {
      commands.add(command);
      if (value !== undefined) problems.push(`${flag} takes no value`);
    } else if (flag === waitFlag) {
      const parsed = duration.parse(value ?? defaultWaitText);
      if ("problem" in parsed) problems.push(`${flag}: ${parsed.problem}`);
      else waitForDbMs = parsed.value;
    } else if (!flag.startsWith("-")) {
      problems.push(`argument ${position} is not a flag; flags begin with --`);
    } else if (setting === undefined && flag !== configFlag) {
      problems.push(`${printableName(flag)} is unknown${suggestion(flag, knownFlags)}`);
    } else if (value === undefined || value === "") {
      problems.push(`${flag} needs a value`);
    } else if (setting === undefined) {
      configFile = value;
    } else {
      given.push({ setting, text: value, name: flag });
    }
  }
  const command = (["help", "version", "migrate"] as const).find((name) => commands.has(name)) ?? "serve";
  return { command, configFile, waitForDbMs, given, problems, warnings: [] };
}

/** Pairs flags with their values, in either spelling: `--flag VALUE` and `--flag=VALUE`. */
function splitArguments(argv: readonly string[]): Argument[] {
  const found: Argument[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    const position = index + 1;
    const equals = argument.startsWith("-") ? argument.indexOf("=") : -1;
    if (equals > 0) {
      found.push({ flag: argument.slice(0, equals), value: argument.slice(equals + 1), position });
      continue;
    }
    const value = takesNext(argument) && isValue(argv[index + 1]) ? argv[++index] : undefined;
    found.push({ flag: argument, value, position });
  }
  return found;
}

/** A misspelt flag takes its value along, which would otherwise cause a second, puzzling problem. */
function takesNext(argument: string): boolean {
  return argument.startsWith("-") && !commandFlags.has(argument) && argument !== waitFlag;
}

/** Whatever is not a flag of ours can be a value: a password may begin with a dash. */
function isValue(next: string | undefined): boolean {
  const name = next?.split("=", 1)[0];
  return name !== undefined && !knownFlags.includes(name);
}

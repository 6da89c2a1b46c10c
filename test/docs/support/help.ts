/** The help of programs, which must have the flags that the documents use. */
import { execFileSync, spawnSync } from "node:child_process";
import { findCommand } from "../../support/process/child-process.ts";
import { projectRoot } from "../../support/project-root.ts";

const skipped = "flags in the documents of a program";
const hasDocker = findCommand(["docker"], { skipped });
const hasKubectl = findCommand(["kubectl"], { argument: "help", skipped });
/** Compose of version 2, or the program of version 1. */
const isPlugin = spawnSync("docker", ["compose", "version"]).status === 0;
const compose = isPlugin ? "docker compose" : findCommand(["docker-compose"], { argument: "version", skipped });
/** Subcommands of more than one word. */
const depths: Readonly<Record<string, number>> = { config: 2, create: 3, image: 2, rollout: 2 };

/**
 * The help for a command, each part of which is about some of its words; undefined if the program is not installed. Throws if
 * there is no such command.
 */
export function helpFor(words: readonly string[]): string | undefined {
  const [program, first = ""] = words;
  const subcommand = words.slice(1, 1 + (depths[first] ?? 1)).join(" ");
  if (program === "npm") return text(`npm run --silent ${words[2]} -- --help`);
  if (program === "kubectl") return hasKubectl && text(`kubectl ${subcommand} --help`) + text("kubectl options");
  if (program !== "docker") throw new Error(`${program} is not a program whose help is known`);
  if (first !== "compose") return hasDocker && text(`docker ${subcommand} --help`);
  const verb = words.find((word, index) => index > 1 && !word.startsWith("-") && words[index - 1] !== "--profile");
  return compose && text(`${compose} --help`) + text(`${compose} ${verb} --help`);
}

const texts = new Map<string, string>();

/** What a command prints, which takes seconds for some. */
function text(command: string): string {
  const [program = "", ...args] = command.split(" ");
  const known = texts.get(command);
  if (known !== undefined) return known;
  const printed = execFileSync(program, args, { ...{ cwd: projectRoot, encoding: "utf8" }, stdio: "pipe" });
  texts.set(command, printed);
  return printed;
}

/** Whether a help has a flag as a whole word. */
export function hasFlag(help: string, flag: string): boolean {
  return new RegExp(`(?<![\\w-])${flag}(?![\\w-])`).test(help);
}

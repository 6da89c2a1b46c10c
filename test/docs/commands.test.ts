/**
 * The documents' commands that no test can execute, because they change a cluster, need an engine or take long: bash parses
 * them, the help of their programs has every flag, and what they name exists.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { customSchema, resourceSchema } from "../deploy/support/manifests.ts";
import { projectRoot } from "../support/project-root.ts";
import { flagsOf, type SimpleCommand, simpleCommandsOf } from "./support/commands.ts";
import { hasFlag, helpFor } from "./support/help.ts";
import { commandsIn } from "./support/shell.ts";
import { nameOf, type Snippet, snippetsOf } from "./support/snippets.ts";

const read = (...path: string[]) => readFileSync(join(projectRoot, ...path), "utf8");
const composeFile = read("compose.yaml");
const { services } = parse(composeFile, { merge: true }) as {
  readonly services: Readonly<Record<string, { readonly profiles?: readonly string[] }>>;
};
const profiles = Object.values(services).flatMap((service) => service.profiles ?? []);
const parsed = snippetsOf("bash parsed");
/** Images that the documents build. What follows one, or a service, is not for Docker. */
const images = parsed.flatMap(({ text }) => [...text.matchAll(/ -t (\S+)/g)].map(([, name = ""]) => name));
/** Programs of every system, whose flags are not checked. */
const others = ["curl", "grep", "sleep"];

/** The words that are the program's own, without those for what it starts. */
function ownWords({ words }: SimpleCommand): readonly string[] {
  if (words[0] === "npm") return words;
  const names = [...images, "--", ...(words.includes("run") || words.includes("exec") ? Object.keys(services) : [])];
  const end = words.findIndex((word, index) => names.includes(word) && words[index - 1] !== "-t");
  return end < 0 ? words : words.slice(0, end);
}

function checkFlags(command: SimpleCommand): void {
  const words = ownWords(command);
  const help = helpFor(words);
  if (help === undefined) return;
  expect(flagsOf(words).filter((flag) => !hasFlag(help, flag) && flag !== "--help")).toEqual([]);
}

/** Profiles, services and settings of compose.yaml. */
function checkCompose({ words, variables }: SimpleCommand): void {
  if (words[1] !== "compose") return;
  const named = words.filter((_, index) => words[index - 1] === "--profile");
  expect(named.filter((name) => !profiles.includes(name))).toEqual([]);
  expect(variables.filter((name) => !composeFile.includes(`\${${name}`))).toEqual([]);
  const verb = words.findIndex((word) => ["up", "build", "run", "exec", "logs"].includes(word));
  // A variable of the shell is a service that a loop names.
  const called = words.slice(verb + 1).filter((word) => verb > 0 && /^[a-z]/.test(word));
  const first = words.includes("run") || words.includes("exec") ? called.slice(0, 1) : called;
  expect(first.filter((name) => !(name in services))).toEqual([]);
}

/** The files that the words name, and the folders that `-k` renders. */
function checkFiles({ words }: SimpleCommand): void {
  const files = words.flatMap((word, index) => {
    const flag = words[index - 1];
    if (flag === "-k") return [join(word, "kustomization.yaml")];
    const isFile = word.startsWith("scripts/") || (flag === "-f" && word !== "-" && words[1] !== "compose");
    return isFile ? [word] : [];
  });
  expect(files.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
}

function check(command: SimpleCommand): void {
  checkFiles(command);
  checkCompose(command);
  if (others.includes(command.words[0] ?? "") || /^npx node scripts/.test(command.words.join(" "))) return;
  checkFlags(command);
}

const named = (snippets: readonly Snippet[]) => snippets.map((snippet) => ({ name: nameOf(snippet), ...snippet }));

describe("a command that is only parsed", () => {
  test.each(named(parsed))("$name", ({ text }) => {
    const commands = commandsIn(text).flatMap(simpleCommandsOf);
    expect(commands).not.toEqual([]);
    for (const command of commands) check(command);
  });
});

describe("a command that CI runs", () => {
  test.each(named(snippetsOf("bash ci")))("$name", ({ text }) => {
    const steps = read(".ci", "run");
    for (const { words } of commandsIn(text).flatMap(simpleCommandsOf)) {
      expect(steps).toMatch(new RegExp(`^step .* ${words.join(" ")}( |$)`, "m"));
    }
  });
});

describe("a manifest", () => {
  test.each(named(snippetsOf("yaml manifest")))("$name", ({ text }) => {
    const manifest = resourceSchema.parse(parse(text));
    const schema = customSchema(manifest);
    expect(schema, manifest.kind).toBeDefined();
    schema?.parse(manifest);
  });
});

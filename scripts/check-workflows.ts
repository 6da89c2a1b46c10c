/**
 * Checks that the workflows run every step of .ci/run with the Debian packages that it installs, that their npm scripts
 * exist, and that the actions of others are pinned to commits. Then runs actionlint, a Go program: without Go this is
 * skipped.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const projectRoot = join(import.meta.dirname, "..");
const actionlint = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";
const binFolder = join(projectRoot, "node_modules", ".cache", "actionlint");

/** A text without its comments: what is commented out does not run. */
const read = (...path: string[]) => readFileSync(join(projectRoot, ...path), "utf8").replaceAll(/^\s*#.*$/gm, "");
const workflows = readdirSync(join(projectRoot, ".github"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yml") && name !== "dependabot.yml")
  .map((name) => read(".github", name))
  .join("\n");

const ciRun = read(".ci", "run");

const problems = [...missingSteps(), ...missingPackages(), ...missingScripts(), ...unpinnedActions()];
for (const problem of problems) process.stderr.write(`check:workflows: ${problem}\n`);
if (problems.length > 0 || !isLinted()) process.exitCode = 1;

/** The npm scripts and the scripts of Node that a text calls. */
function commandsIn(text: string): Set<string> {
  return new Set(text.match(/\bnpm (?:test(?!\S)|ci|run [\w:]+)|\bnode scripts\/[\w-]+\.ts/g));
}

function missingSteps(): string[] {
  const run = commandsIn(workflows);
  return [...commandsIn(ciRun)]
    .filter((command) => !run.has(command))
    .map((command) => `.ci/run runs "${command}", and no workflow has it`);
}

/** Without the package the workflow's job fails, since its suite prints SKIPPED. */
function missingPackages(): string[] {
  const installed = new Set(
    [...workflows.matchAll(/\bpackages: (.*)$/gm)].flatMap(([, names = ""]) => names.split(" ")),
  );
  return [...ciRun.matchAll(/\bmissing\+=\((\S+)\)/g)]
    .filter(([, name = ""]) => !installed.has(name))
    .map(([, name]) => `.ci/run installs ${name}, and no workflow does`);
}

function missingScripts(): string[] {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  return [...workflows.matchAll(/\bnpm run ([\w:]+)/g)]
    .filter(([, name = ""]) => !(name in scripts))
    .map(([command]) => `a workflow runs "${command}", which package.json does not have`);
}

/** A tag can be moved to other code, a commit cannot. */
function unpinnedActions(): string[] {
  return [...workflows.matchAll(/\buses: (?!\.\/)(\S+)/g)]
    .filter(([, action = ""]) => !/@[0-9a-f]{40}$/.test(action))
    .map(([, action]) => `${action} is not pinned to a commit`);
}

function isLinted(): boolean {
  if (spawnSync("go", ["version"]).status !== 0) {
    process.stdout.write("check:workflows: SKIPPED: actionlint, because `go` is not installed\n");
    return true;
  }
  const options = { cwd: projectRoot, stdio: "inherit" } as const;
  const install = spawnSync("go", ["install", actionlint], { ...options, env: { ...process.env, GOBIN: binFolder } });
  return install.status === 0 && spawnSync(join(binFolder, "actionlint"), options).status === 0;
}

/** Programs that judge the OpenAPI document: two validators and the runner of its collection from npm, and schemathesis. */
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findCommand } from "../../support/process/child-process.ts";
import { projectRoot } from "../../support/project-root.ts";

const run = promisify(execFile);
/** The programs from npm are a package, so that the project's own installation does not have to bring their 370 packages. */
const toolsFolder = join(import.meta.dirname, "..", "tools");
const binFolder = join(toolsFolder, "node_modules", ".bin");
const lockFile = join(toolsFolder, "package-lock.json");
const installedMark = join(toolsFolder, "node_modules", ".installed");
const requirements = join(toolsFolder, "requirements.txt");
const venv = join(
  projectRoot,
  "node_modules",
  ".cache",
  "openapi",
  `schemathesis-${digestOf(requirements).slice(0, 16)}`,
);

/** The path of schemathesis' program. */
export const schemathesis = join(venv, "bin", "schemathesis");

/** Whether Python is installed with what makes virtual environments. If not, prints what is skipped. */
export function hasPython(): boolean {
  const skipped = "the OpenAPI document by schemathesis";
  const python = findCommand(["python3"], { skipped });
  if (python === undefined) return false;
  if (spawnSync(python, ["-c", "import ensurepip"]).status === 0) return true;
  process.stderr.write(`\ntests: SKIPPED: ${skipped}: python3 has no ensurepip (Debian's package python3-venv)\n\n`);
  return false;
}

function digestOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** Installs the programs that are missing. */
export async function installTools(): Promise<void> {
  await Promise.all([installValidators(), hasPython() ? installSchemathesis() : undefined]);
}

async function installValidators(): Promise<void> {
  const wanted = digestOf(lockFile);
  if (existsSync(installedMark) && readFileSync(installedMark, "utf8") === wanted) return;
  await run("npm", ["ci", "--prefix", toolsFolder, "--ignore-scripts", "--no-audit", "--no-fund"]);
  writeFileSync(installedMark, wanted);
}

async function installSchemathesis(): Promise<void> {
  if (existsSync(schemathesis)) return;
  await run("python3", ["-m", "venv", venv]);
  const options = ["--quiet", "--disable-pip-version-check"];
  await run(join(venv, "bin", "python"), ["-m", "pip", "install", ...options, "--requirement", requirements]);
}

/** Runs one of the programs from npm in the folder of their rules. Resolves with its output, and whether it finds no fault. */
export async function validateBy(name: "redocly" | "spectral" | "newman", args: readonly string[]) {
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true", NO_COLOR: "1" };
  return await run(join(binFolder, name), args, { cwd: toolsFolder, env, maxBuffer: 16 * 1024 * 1024 }).then(
    ({ stdout, stderr }) => ({ isValid: true, output: stdout + stderr }),
    (error: { readonly stdout: string; readonly stderr: string; readonly message: string }) => ({
      isValid: false,
      output: error.stdout + error.stderr || error.message,
    }),
  );
}

/** Fails when gen/ differs from what buf.gen.yaml and buf.gen.documents.yaml generate from the schema. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const projectRoot = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "frontrow-generated-"));

function run(command: string, ...args: string[]): number {
  return spawnSync(command, args, { cwd: projectRoot, stdio: "inherit" }).status ?? 1;
}

try {
  process.exitCode =
    run("buf", "generate", "--output", folder) ||
    run("buf", "generate", "--template", "buf.gen.documents.yaml", "--output", folder) ||
    run("diff", "--recursive", "--brief", "gen", join(folder, "gen"));
  if (process.exitCode !== 0) process.stdout.write("gen/ is out of date: run `npm run generate` and commit it\n");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Fails when the schema breaks clients of the last release: of the last tag, or of the state before the last change of
 * proto/. A comparison with the current commit could never fail on the main branch.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const projectRoot = join(import.meta.dirname, "..");

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: projectRoot, encoding: "utf8" });
  return status === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

function findBase(): string | undefined {
  const tag = git("describe", "--tags", "--abbrev=0");
  if (tag) return tag;
  if (git("status", "--porcelain", "proto")) return "HEAD";
  const lastChange = git("rev-list", "-1", "HEAD", "--", "proto");
  const before = lastChange && git("rev-parse", "--verify", "--quiet", `${lastChange}^`);
  // A commit without a schema has no clients.
  return before && git("ls-tree", before, "proto") ? before : undefined;
}

const base = findBase();
if (!base) {
  process.stdout.write("breaking changes: skipped, there is no earlier schema to compare with\n");
} else {
  const folder = mkdtempSync(join(tmpdir(), "frontrow-schema-"));
  try {
    const archive = execFileSync("git", ["archive", base, "proto", "buf.yaml"], { cwd: projectRoot });
    execFileSync("tar", ["-x", "-C", folder], { input: archive });
    // The other modules of buf.yaml are not in the archive.
    for (const name of ["node_modules", ".proto"]) symlinkSync(join(projectRoot, name), join(folder, name));
    const options = { cwd: projectRoot, stdio: "inherit" } as const;
    const { status } = spawnSync("buf", ["breaking", "proto", "--against", join(folder, "proto")], options);
    process.stdout.write(`breaking changes: ${status === 0 ? "none" : "found"}, compared with ${base}\n`);
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

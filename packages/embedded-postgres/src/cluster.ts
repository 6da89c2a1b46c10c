import { randomBytes } from "node:crypto";
import { access, chown, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Binaries, programPath } from "./binaries.ts";
import { codeOf, EmbeddedPostgresError, messageOf } from "./errors.ts";
import { clusterFolder, type Place } from "./identity.ts";
import { runProgram } from "./program.ts";

const unfinishedPrefix = "postgres.unfinished-";
const passwordFile = "frontrow.password";

export const superuser = "postgres";

/** A UTF-8 LC_CTYPE by the name it has on each system: without one, pg_trgm drops non-ASCII letters. */
const characterType = process.platform === "darwin" ? "en_US.UTF-8" : "C.UTF-8";

/**
 * Makes the cluster unless it exists, and gives its password. It is built aside and renamed into place, password and
 * all, so a half-made one never counts, and of two made at once only one does.
 */
export async function ensureCluster(place: Place, installation: Binaries, signal?: AbortSignal): Promise<string> {
  const cluster = clusterFolder(place.dataDir);
  if (!(await hasCluster(cluster))) {
    const unfinished = await mkdtemp(path.join(place.dataDir, unfinishedPrefix));
    try {
      await initialize(unfinished, place, installation, signal);
      await rename(path.join(unfinished, "cluster"), cluster);
      await flushFolder(place.dataDir);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(await hasCluster(cluster))) throw error; // else another one has just made it
    } finally {
      await removeFolder(unfinished);
    }
  }
  return await readFile(path.join(cluster, passwordFile), "utf8");
}

/** Removes what interrupted first starts left behind. Call it only as the one owner of the data folder. */
export async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(unfinishedPrefix)) await removeFolder(path.join(dataDir, name));
  }
}

/** A folder that a dying initdb still writes to may resist: the next start removes it. */
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
}

async function initialize(folder: string, place: Place, installation: Binaries, signal?: AbortSignal): Promise<void> {
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
    const options = { identity, cwd: folder, timeoutMs: 120_000, signal };
    await runProgram(programPath(installation.folder, "initdb"), args, options);
  } catch (cause) {
    throw new EmbeddedPostgresError(`PostgreSQL could not lay out its files in ${place.dataDir}: ${messageOf(cause)}`, {
      cause,
    });
  }
  await rename(password, path.join(cluster, passwordFile));
  await flushFolder(cluster);
}

/** What initdb of older majors does not know: they have the system's locales, and the server sets its time zone itself. */
function newerOptions({ version }: Binaries): string[] {
  const major = Number.parseInt(version, 10);
  return [
    ...(major < 16 ? [] : ["--set=timezone=UTC"]),
    ...(major < 17 ? [] : ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]),
  ];
}

/** A folder that exists but may not be read is an error, not an absence. */
async function hasCluster(cluster: string): Promise<boolean> {
  try {
    await access(path.join(cluster, "PG_VERSION"));
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Makes a rename outlive a power failure. Windows cannot open folders, and does not need it. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

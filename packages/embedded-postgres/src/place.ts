import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { codeOf, EmbeddedPostgresError, messageOf } from "./errors.ts";
import { type Identity, runProgram } from "./program.ts";

/** Where the data is, and the user its server runs as: `undefined` is this process's own user. */
export interface Place {
  readonly dataDir: string;
  readonly identity: Identity | undefined;
}

/** The folder of PostgreSQL's own files inside a data folder. */
export function clusterFolder(dataDir: string): string {
  return path.join(dataDir, "postgres");
}

/**
 * Decides where the data is stored. An ordinary user gets the requested folder. PostgreSQL refuses to run as root, so for root
 * an unprivileged user runs it. If that user cannot reach the requested folder (under /root), the data is stored in a folder of
 * `systemDir` whose name is derived from the requested one, so that the next start finds it again.
 */
export async function choosePlace(requested: string, systemDir: string): Promise<Place> {
  const ourUid = process.getuid?.();
  if (ourUid === 0) await makeEnterable(requested);
  else await mkdir(requested, { recursive: true });
  const dataDir = await realpath(requested);
  const owner = await ownerOf(clusterFolder(dataDir));
  if (ourUid !== 0) {
    if (ourUid !== undefined && owner && owner.uid !== ourUid) {
      throw new EmbeddedPostgresError(
        "NO_ACCESS",
        `the data in ${dataDir} belongs to another user (id ${owner.uid}): run the program as that user or as root`,
      );
    }
    return { dataDir, identity: undefined };
  }

  if (owner) {
    if (await canEnter(dataDir, owner)) return { dataDir, identity: owner };
    throw new EmbeddedPostgresError(
      "NO_ACCESS",
      `there is data in ${dataDir}, but its owner (id ${owner.uid}), which has to run PostgreSQL, cannot enter the folder: ` +
        "make it reachable, or run the program as that user",
    );
  }
  const substitute = path.join(systemDir, substituteName(dataDir));
  // Existing data stays in the substitute, even if the requested folder has become reachable since.
  const substituteOwner = await ownerOf(clusterFolder(substitute));
  if (substituteOwner) return { dataDir: substitute, identity: substituteOwner };
  const identity = await unprivilegedUser();
  if (await canEnter(dataDir, identity)) return { dataDir, identity };
  await makeEnterable(systemDir);
  await makeEnterable(substitute);
  return { dataDir: substitute, identity };
}

/** Creates a folder, with its missing parents, that every user may enter whatever our umask is. */
export async function makeEnterable(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) await chmod(made, 0o755);
}

function substituteName(dataDir: string): string {
  const digest = createHash("sha256").update(dataDir).digest("hex").slice(0, 8);
  return `${path.basename(dataDir).replace(/^\.+/, "") || "data"}-${digest}`;
}

/** The owner of a folder. Undefined if it does not exist or belongs to root, which cannot run PostgreSQL. */
async function ownerOf(folder: string): Promise<Identity | undefined> {
  try {
    const { uid, gid } = await stat(folder);
    return uid === 0 ? undefined : { uid, gid };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function unprivilegedUser(): Promise<Identity> {
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const entry = lines.find(([name]) => name === "postgres") ?? lines.find(([name]) => name === "nobody");
  const [, , uid, gid] = entry ?? [];
  if (!uid || !gid) {
    throw new EmbeddedPostgresError(
      "NO_USER",
      "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody` to run it as: " +
        "run the program as an ordinary user",
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

/** Tries it as that user: access control lists and mount options deny more than the permission bits show. */
async function canEnter(folder: string, identity: Identity): Promise<boolean> {
  try {
    await runProgram("/bin/sh", ["-c", 'cd -- "$1"', "sh", folder], { identity, cwd: "/", timeoutMs: 10_000 });
    return true;
  } catch (error) {
    if (typeof codeOf(error) === "number") return false;
    throw new EmbeddedPostgresError(
      "NO_USER",
      `PostgreSQL refuses to run as root, and no program can be run as user ${identity.uid} here (${messageOf(error)}): ` +
        "run the program as an ordinary user",
      { cause: error },
    );
  }
}

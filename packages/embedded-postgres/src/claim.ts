import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { type Setup, superuser } from "./cluster.ts";
import { EmbeddedPostgresError, inUseError } from "./errors.ts";
import { freePort } from "./free-port.ts";
import { connectAndLock, deadHolderMs, type LockOptions } from "./lock.ts";
import type { Place } from "./place.ts";
import { findPostmaster, type Postmaster, stopPostmaster } from "./postmaster.ts";
import { launchServer, type Server } from "./server.ts";

/** Long enough for a recovery after a crash. */
const patienceMs = 120_000;
/** Failures of a start that pass: a lost race for the port or the folder, the last processes of a server that has ended. */
const passing =
  /could not bind|could not create any TCP|lock file .* already exists|lock file .* is empty|still in use/;

/** A server that this process started, and the connection that holds the lock on it. */
export interface Claim {
  readonly server: Server;
  readonly lock: LockOptions;
  readonly client: pg.Client;
}

/**
 * Makes this process the owner of the data folder: stops a server that an owner that has ended left running there, starts
 * a server and takes its lock.
 *
 * Of several processes that try at the same time exactly one succeeds. PostgreSQL lets one server run on a folder, and an
 * owner holds the lock of a server that it started itself. A process that takes the lock of another's server may stop that
 * server: its owner has ended, or has not taken the lock yet. An owner whose server exits with 0 before the lock was taken
 * has lost to such a process, and its start fails.
 */
export async function claimServer(setup: Setup, password: string): Promise<Claim> {
  const { place, installation, sessionName, signal } = setup;
  const lockAt = (port: number) => ({ host: "127.0.0.1", port, user: superuser, password, sessionName });
  const deadline = Date.now() + patienceMs;
  let lastFailure = "it did not become ready in time";
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    const running = await findPostmaster(place.dataDir);
    if (running) {
      lastFailure = `a server that already runs there (process ${running.pid}) does not answer`;
      await removeOrphan(running, lockAt(running.port), setup);
    } else {
      const server = await launchServer(place, installation.folder, await freePort(), setup);
      try {
        const claim = await lockOwnServer(server, lockAt(server.port), setup, deadline);
        if (claim) return claim;
        if (server.exitCode() === 0) throw inUseError(place.dataDir);
        lastFailure = (await server.logTail()) || "it ended at once and logged nothing";
        if (!passing.test(lastFailure)) break;
      } catch (error) {
        await server.stop();
        throw error;
      }
    }
    await sleep(100, undefined, { ...(signal && { signal }) });
  }
  throw startFailed(place, lastFailure);
}

/** Waits until our server is ready and takes its lock. Returns undefined if the server has ended instead. */
async function lockOwnServer(
  server: Server,
  lock: LockOptions,
  { place, signal }: Setup,
  deadline: number,
): Promise<Claim | undefined> {
  while (server.exitCode() === undefined) {
    signal?.throwIfAborted();
    if (Date.now() > deadline) throw startFailed(place, await server.logTail());
    const found = await findPostmaster(place.dataDir);
    if (found?.pid === server.pid && found.status === "ready") {
      const client = await connectAndLock(lock, 0);
      if (client === "taken") throw inUseError(place.dataDir);
      if (client !== "no answer") return { server, lock, client };
    }
    await sleep(20);
  }
  return undefined;
}

/** Stops a server whose lock is free. Throws if the lock is held. Leaves a server that does not answer for the next attempt. */
async function removeOrphan(running: Postmaster, lock: LockOptions, { place, log }: Setup): Promise<void> {
  const { dataDir } = place;
  if (running.status !== "ready") return;
  const client = await connectAndLock(lock, deadHolderMs);
  if (client === "no answer") return;
  if (client === "taken") throw inUseError(dataDir);
  log("a PostgreSQL server was left running on the data folder: stopping it", { pid: running.pid });
  await stopPostmaster(dataDir, running);
  await client.end().catch(() => {});
}

function startFailed({ dataDir }: Place, log: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    "START_FAILED",
    `PostgreSQL did not start in ${dataDir}. Its log ends with:\n${log}`,
  );
}

import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { superuser } from "./cluster.ts";
import { anotherFrontrow, EmbeddedPostgresError, useAnotherDatabase } from "./errors.ts";
import { freePort } from "./free-port.ts";
import { clusterFolder, type Place } from "./identity.ts";
import { type Address, connectAndLock, deadHolderMs } from "./lock.ts";
import { findPostmaster, type Postmaster, stopProcess } from "./postmaster.ts";
import { launchServer, type Server } from "./server.ts";

/** Long enough for a recovery after a crash. */
const patienceMs = 120_000;
/** Failures of a start that pass: a lost race for the port or the folder, a dead server's last processes. */
const passing =
  /could not bind|could not create any TCP|lock file .* already exists|lock file .* is empty|still in use/;

export interface ClaimOptions {
  readonly place: Place;
  readonly installation: string;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: (message: string, fields?: Record<string, unknown>) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A server of our own, and the connection that holds the lock on it. */
export interface Claim {
  readonly server: Server;
  readonly address: Address;
  readonly client: pg.Client;
}

/**
 * Comes to own the data folder: ends what a dead service has left running there, starts a server and takes its lock.
 *
 * Of several who try at once exactly one succeeds. PostgreSQL lets one server run on a folder; serving takes the lock
 * on a server one has started oneself. Who takes the lock on another's server may end it, dead owner or not yet
 * there; and an owner whose server ends without error before it had the lock knows itself overtaken and gives up.
 */
export async function claimServer(options: ClaimOptions): Promise<Claim> {
  const { place, signal } = options;
  const deadline = Date.now() + patienceMs;
  let lastFailure = "it did not become ready in time";
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    const running = await findPostmaster(clusterFolder(place.dataDir));
    if (running) {
      lastFailure = `a server that runs there already (process ${running.pid}) does not answer`;
      await removeOrphan(running, options);
    } else {
      const server = await launchServer(place, options.installation, await freePort(), options.settings);
      try {
        const claim = await lockOwnServer(server, options, deadline);
        if (claim) return claim;
        if (server.exitCode() === 0) throw anotherFrontrow(place.dataDir);
        lastFailure = (await server.logTail()) || "it ended at once without a word";
        if (!passing.test(lastFailure)) break;
      } catch (error) {
        await server.stop();
        throw error;
      }
    }
    await sleep(100, undefined, { ...(signal && { signal }) });
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL could not be started in ${place.dataDir}: put right what it says below, set APP_DATA_DIR to another folder, ` +
      `${useAnotherDatabase}. The server's last words:\n${lastFailure}`,
  );
}

/** Waits until our server is ready and takes its lock; gives nothing if the server has ended instead. */
async function lockOwnServer(server: Server, options: ClaimOptions, deadline: number): Promise<Claim | undefined> {
  const { place, signal } = options;
  const address = addressOf(server.port, options.password);
  while (server.exitCode() === undefined) {
    signal?.throwIfAborted();
    if (Date.now() > deadline)
      throw new EmbeddedPostgresError(`PostgreSQL is not ready in time:\n${await server.logTail()}`);
    const found = await findPostmaster(clusterFolder(place.dataDir));
    if (found?.pid === server.pid && found.status === "ready") {
      const client = await connectAndLock(address, 0);
      if (client === "taken") throw anotherFrontrow(place.dataDir);
      if (client !== "no answer") return { server, address, client };
    }
    await sleep(20);
  }
  return undefined;
}

/** Ends a server whose lock is free; throws if somebody holds it; leaves a server that does not answer for later. */
async function removeOrphan(running: Postmaster, options: ClaimOptions): Promise<void> {
  const { place, log } = options;
  if (running.status !== "ready") return;
  const client = await connectAndLock(addressOf(running.port, options.password), deadHolderMs);
  if (client === "no answer") return;
  if (client === "taken") throw anotherFrontrow(place.dataDir);
  log("a PostgreSQL server was left running on the data folder: stopping it", { pid: running.pid });
  const cluster = clusterFolder(place.dataDir);
  await stopProcess(running.pid, async () => (await findPostmaster(cluster))?.pid !== running.pid);
  await client.end().catch(() => {});
}

function addressOf(port: number, password: string): Address {
  return { host: "127.0.0.1", port, user: superuser, password };
}

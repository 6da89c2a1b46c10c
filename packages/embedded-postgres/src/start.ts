import { realpath } from "node:fs/promises";
import path from "node:path";
import type pg from "pg";
import { type Binaries, findBinaries, makeRunnable } from "./binaries.ts";
import { type Claim, claimServer } from "./claim.ts";
import { ensureCluster, removeUnfinished } from "./cluster.ts";
import { EmbeddedPostgresError, messageOf } from "./errors.ts";
import { keepLock } from "./lock.ts";
import { choosePlace } from "./place.ts";
import { defaultStopTimeoutMs } from "./postmaster.ts";
import type { Log } from "./program.ts";

/** A running PostgreSQL server that belongs to this process alone. Disposing of it stops it. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** Where the data is stored. For root it may be another folder than the requested one. */
  readonly dataDir: string;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  /** The same as a `postgres://` URL, password included. */
  readonly url: string;
  /** Resolves when the server can no longer be used: `undefined` after `stop()`, otherwise the error. */
  readonly exited: Promise<Error | undefined>;
  /** Stops the server. May be called more than once. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Names the application in the files and folders that are its own, and in `pg_stat_activity`. Must not change later. */
  readonly name: string;
  readonly dataDir: string;
  /** Created if it does not exist. The application's name if undefined. */
  readonly database?: string;
  /** Settings of the server, in addition to the built-in ones. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log?: Log;
  /** The most that `stop()` takes. After more than half of it the server is ended without a checkpoint. 50 seconds if undefined. */
  readonly stopTimeoutMs?: number;
  /** Cancels the start. Only `stop()` stops a server that has started. */
  readonly signal?: AbortSignal;
  /** The installation to run. The npm package for this platform if undefined. */
  readonly binaries?: Binaries;
  /** Where root stores what the server's unprivileged user has to reach. `/var/lib/NAME` if undefined. */
  readonly systemDir?: string;
}

/**
 * Starts the PostgreSQL server that npm delivers on a data folder that survives restarts. It listens on a free port of
 * 127.0.0.1. Rejects with an EmbeddedPostgresError if it cannot, for instance because another process uses the folder.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { name, database = name, settings = {}, log = () => {}, signal, systemDir = `/var/lib/${name}` } = options;
  const requested = path.resolve(options.dataDir);
  try {
    signal?.throwIfAborted();
    const place = await choosePlace(requested, systemDir);
    const { dataDir, identity } = place;
    const binaries = options.binaries ?? (await findBinaries());
    if (dataDir !== (await realpath(requested))) {
      const message = "the data is stored in another folder, because PostgreSQL's user cannot reach the requested one";
      log(message, { requested, dataDir });
    }
    const folder = await makeRunnable(binaries, identity, identity ? systemDir : dataDir, log);
    const names = { passwordFile: `${name}.password`, sessionName: `${name}-lock` };
    const { stopTimeoutMs = defaultStopTimeoutMs } = options;
    const limits = { stopTimeoutMs, signal };
    const setup = { ...names, place, installation: { ...binaries, folder }, settings, log, ...limits };
    const claim = await claimServer(setup, await ensureCluster(setup));
    try {
      await removeUnfinished(dataDir);
      await ensureDatabase(claim.client, database);
      signal?.throwIfAborted();
    } catch (error) {
      await claim.server.stop();
      throw error;
    }
    log("PostgreSQL is running", { dataDir, port: claim.server.port, pid: claim.server.pid, ...identity });
    return handOver(claim, dataDir, database);
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error;
    signal?.throwIfAborted();
    const message = `PostgreSQL could not be started in ${requested}: ${messageOf(error)}`;
    throw new EmbeddedPostgresError("START_FAILED", message, { cause: error });
  }
}

function handOver({ server, lock, client }: Claim, dataDir: string, database: string): EmbeddedPostgres {
  const { promise: exited, resolve: reportExit } = Promise.withResolvers<Error | undefined>();
  const releaseLock = keepLock(client, lock, reportExit);
  let stopping: Promise<void> | undefined;

  async function watchServer(): Promise<void> {
    await server.ended;
    releaseLock();
    if (stopping) return reportExit(undefined);
    const log = await server.logTail().catch(messageOf);
    reportExit(new EmbeddedPostgresError("SERVER_LOST", `PostgreSQL ended unexpectedly. Its log ends with:\n${log}`));
  }

  const watched = watchServer();
  const stop = () => {
    releaseLock();
    stopping ??= server.stop().then(() => watched);
    return stopping;
  };
  const { host, port, user, password } = lock;
  const url = `postgres://${user}:${password}@${host}:${port}/${encodeURIComponent(database)}`;
  const connection = { host, port, user, password, database };
  return { dataDir, connection, url, exited, stop, [Symbol.asyncDispose]: stop };
}

async function ensureDatabase(client: pg.Client, name: string): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
}

import { realpath } from "node:fs/promises";
import path from "node:path";
import type pg from "pg";
import { type Binaries, findBinaries, makeRunnable } from "./binaries.ts";
import { type Claim, claimServer } from "./claim.ts";
import { ensureCluster, removeUnfinished } from "./cluster.ts";
import { EmbeddedPostgresError, messageOf, useAnotherDatabase } from "./errors.ts";
import { choosePlace } from "./identity.ts";
import { keepLock } from "./lock.ts";

export { EmbeddedPostgresError } from "./errors.ts";

/** A running PostgreSQL server that belongs to this process alone. */
export interface EmbeddedPostgres {
  /** Where the data really lies: as root it may be another folder than the requested one. */
  readonly dataDir: string;
  readonly connection: { host: string; port: number; user: string; password: string; database: string };
  /** Resolves when the server can no longer be used: `undefined` after `stop()`, an error if that came by itself. */
  readonly exited: Promise<Error | undefined>;
  /** Ends the server. May be called more than once. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** Created when missing. */
  readonly database?: string;
  /** Settings of the server beyond our own. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log: (message: string, fields?: Record<string, unknown>) => void;
  /** Gives up the start; a server that has started is ended by `stop()` only. */
  readonly signal?: AbortSignal;
  /** The installation to run; the one that npm has for this platform if undefined. */
  readonly binaries?: Binaries;
  /** Where root puts what the server's unprivileged user has to reach. */
  readonly systemDir?: string;
}

/**
 * Starts the PostgreSQL server that npm has delivered on a data folder that survives restarts. It listens on a free port
 * of 127.0.0.1. Throws an EmbeddedPostgresError if it cannot, also when another service uses the folder.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { database = "concert_tickets", log, signal, systemDir = "/var/lib/frontrow" } = options;
  const requested = path.resolve(options.dataDir);
  try {
    signal?.throwIfAborted();
    const place = await choosePlace(requested, systemDir);
    const { dataDir, identity } = place;
    const binaries = options.binaries ?? (await findBinaries());
    if (dataDir !== (await realpath(requested))) {
      log("the data lies in another folder, since PostgreSQL's user could not reach the requested one", {
        requested,
        dataDir,
      });
    }
    const installation = await makeRunnable(binaries, identity, identity ? systemDir : dataDir, log);
    const password = await ensureCluster(place, { ...binaries, folder: installation }, signal);
    const claim = await claimServer({ place, installation, password, settings: options.settings ?? {}, log, signal });
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
    throw new EmbeddedPostgresError(
      `the embedded PostgreSQL cannot be started in ${requested} (${messageOf(error)}): ` +
        `set APP_DATA_DIR to another folder that you may write to, ${useAnotherDatabase}`,
      { cause: error },
    );
  }
}

function handOver({ server, address, client }: Claim, dataDir: string, database: string): EmbeddedPostgres {
  const { promise: exited, resolve: reportExit } = Promise.withResolvers<Error | undefined>();
  const releaseLock = keepLock(client, address, (reason) => reportExit(new EmbeddedPostgresError(reason)));
  let stopping: Promise<void> | undefined;

  async function watchServer(): Promise<void> {
    await server.ended;
    releaseLock();
    if (stopping) return reportExit(undefined);
    const lastWords = await server.logTail().catch(messageOf);
    reportExit(new EmbeddedPostgresError(`PostgreSQL has ended by itself. Its last words:\n${lastWords}`));
  }

  const watched = watchServer();
  return {
    dataDir,
    connection: { ...address, database },
    exited,
    stop() {
      releaseLock();
      stopping ??= server.stop().then(() => watched);
      return stopping;
    },
  };
}

async function ensureDatabase(client: pg.Client, name: string): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
}

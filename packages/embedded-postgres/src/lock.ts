import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { codeOf, EmbeddedPostgresError } from "./errors.ts";

/** Any fixed number works: the database `postgres`, where the lock is taken, is not used for anything else. */
const lockKey = 0x66726f77;
const wrongPassword = "28P01";

/** How long the connection of a process that has ended may still hold the lock. */
export const deadHolderMs = 2_000;

/** How to connect to a server as its superuser to take the lock. */
export interface LockOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Shown as `application_name` in `pg_stat_activity`. */
  readonly sessionName: string;
}

/**
 * Connects and takes the lock whose holder is the one process that may use this server. The lock belongs to the connection,
 * so it is released when the process ends, however that ends. `patienceMs` covers a holder that has ended but whose
 * connection the server has not closed yet.
 */
export async function connectAndLock(
  { sessionName, ...address }: LockOptions,
  patienceMs: number,
): Promise<pg.Client | "taken" | "no answer"> {
  const client = new pg.Client({
    ...address,
    database: "postgres",
    ssl: false,
    application_name: sessionName,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  client.on("error", () => {}); // "end" follows
  try {
    await client.connect();
    if (await takeLock(client, patienceMs)) return client;
    await client.end();
    return "taken";
  } catch (cause) {
    void client.end().catch(() => {});
    if (codeOf(cause) !== wrongPassword) return "no answer";
    throw new EmbeddedPostgresError(
      "IN_USE",
      "a server runs on the data folder but refuses the password that is stored there: stop it by hand",
      { cause },
    );
  }
}

async function takeLock(client: pg.Client, patienceMs: number): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1) AS taken", [lockKey]);
    if (rows[0]?.taken) return true;
    if (Date.now() >= deadline) return false;
    await sleep(100);
  }
}

/**
 * Keeps a lock. If its connection is lost while the server runs (an administrator ended it, or the crash of another
 * connection restarted them all), the lock is taken again. Calls `onLost` if that is impossible. Call the returned function
 * when the server ends or is about to: the connection ends with it.
 */
export function keepLock(
  held: pg.Client,
  options: LockOptions,
  onLost: (error: EmbeddedPostgresError) => void,
): () => void {
  let isReleased = false;

  async function takeAgain(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (!isReleased && Date.now() < deadline) {
      const client = await connectAndLock(options, deadHolderMs).catch(() => "no answer" as const);
      if (isReleased) return;
      if (client === "taken") {
        return onLost(new EmbeddedPostgresError("IN_USE", "another process has taken over the data folder"));
      }
      if (client !== "no answer") return watch(client);
      await sleep(200); // the server is recovering, or ending, which its launcher reports
    }
    const message = "the connection that holds the lock on the data folder was lost and cannot be made again";
    if (!isReleased) onLost(new EmbeddedPostgresError("SERVER_LOST", message));
  }

  function watch(client: pg.Client): void {
    client.once("end", () => void takeAgain());
  }

  watch(held);
  return () => {
    isReleased = true;
  };
}

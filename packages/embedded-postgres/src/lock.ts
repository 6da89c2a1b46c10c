import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { codeOf, EmbeddedPostgresError } from "./errors.ts";

/** Any fixed number will do: the database `postgres`, where the lock is taken, is not used for anything else. */
const lockKey = 0x66726f77;
const wrongPassword = "28P01";

/** How long a dead service's connection may go on holding the lock. */
export const deadHolderMs = 2_000;

/** Where a server is reached as its superuser. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/**
 * Connects and takes the lock whose holder is the one service that may use this server. It belongs to the connection,
 * so it ends with the service however that ends; `patienceMs` is for a dead holder whom the server still believes alive.
 */
export async function connectAndLock(address: Address, patienceMs: number): Promise<pg.Client | "taken" | "no answer"> {
  const client = new pg.Client({
    ...address,
    database: "postgres",
    ssl: false,
    application_name: "frontrow-lock",
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  client.on("error", () => {}); // "end" tells the same
  try {
    await client.connect();
    if (await takeLock(client, patienceMs)) return client;
    await client.end();
    return "taken";
  } catch (cause) {
    void client.end().catch(() => {});
    if (codeOf(cause) !== wrongPassword) return "no answer";
    throw new EmbeddedPostgresError(
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
 * Watches over a lock that has been taken. If its connection is lost while the server lives (an administrator ended it,
 * a crash of another connection restarted them all), it is taken anew; `onLost` hears when that is impossible. Call
 * the returned function when the server ends or is about to: the connection then goes with it.
 */
export function keepLock(held: pg.Client, address: Address, onLost: (reason: string) => void): () => void {
  let released = false;

  async function takeAgain(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (!released && Date.now() < deadline) {
      const client = await connectAndLock(address, deadHolderMs).catch(() => "no answer" as const);
      if (released) return;
      if (client === "taken") return onLost("another Frontrow has taken over the data folder");
      if (client !== "no answer") return watch(client);
      await sleep(200); // the server is recovering, or ending: its end is reported by whoever started it
    }
    if (!released) onLost("the connection that holds the lock on the data folder was lost and cannot be made again");
  }

  function watch(client: pg.Client): void {
    client.once("end", () => void takeAgain());
  }

  watch(held);
  return () => {
    released = true;
  };
}

/** A transaction whose COMMIT's answer is lost, and a server that never assigned its id. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type OwnServer, startOwnServer } from "./support/database/own-server.ts";
import { startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openDeadline, openStore } from "./support/database/store.ts";

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer();
});
afterAll(() => server.close());

/** The reason of the error of a transaction with an id from the future. */
async function loseCommit(): Promise<unknown> {
  const proxy = await startPostgresProxy(server.database.url);
  const store = openStore(proxy.url(server.database.url), { maxRetries: 0 });
  onTestFinished(async () => {
    await store.close();
    await proxy.close();
  });
  const lost = proxy.failNextCommit("answer lost");
  const work = async () => ({ result: undefined, transactionId: "999999999999/mark" });
  const [settled] = await Promise.allSettled([store.transact(work, openDeadline()), lost]);
  return settled.status === "rejected" ? settled.reason.failure.reason : "stored";
}

test("the outcome is known on a primary, and unknown on a standby that may still receive the transaction", {
  timeout: 60_000,
}, async () => {
  expect(await loseCommit()).toBe("DATABASE_UNAVAILABLE");
  const [row] = await server.database.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder");
  await server.restart("fast", () => writeFile(join(row?.folder ?? "", "standby.signal"), ""));
  expect(await server.database.query("SELECT pg_is_in_recovery() AS is_standby")).toEqual([{ is_standby: true }]);
  expect(await loseCommit()).toBe("OUTCOME_UNKNOWN");
  await server.database.query("SELECT pg_promote()");
  expect(await loseCommit()).toBe("DATABASE_UNAVAILABLE");
});

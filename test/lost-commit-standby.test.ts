/** A transaction whose COMMIT's answer is lost, and a server that never assigned its id. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { settleTransaction } from "../src/store/transaction.ts";
import { type OwnServer, startOwnServer } from "./support/database/own-server.ts";
import { openDeadline, openStore } from "./support/database/store.ts";

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer();
});
afterAll(() => server.close());

/** How a transaction with an id from the future ended, as the server answers now. */
async function settle(): Promise<string> {
  const store = openStore(server.database.url, { maxRetries: 0 });
  try {
    return await store.read((db) => settleTransaction(db, "999999999999/mark"), openDeadline());
  } finally {
    await store.close();
  }
}

test("the outcome is known on a primary, and unknown on a standby that may still receive the transaction", {
  timeout: 60_000,
}, async () => {
  expect(await settle()).toBe("aborted");
  const [row] = await server.database.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder");
  await server.restart("fast", () => writeFile(join(row?.folder ?? "", "standby.signal"), ""));
  expect(await server.database.query("SELECT pg_is_in_recovery() AS is_standby")).toEqual([{ is_standby: true }]);
  expect(await settle()).toBe("unknown");
  await server.database.query("SELECT pg_promote()");
  expect(await settle()).toBe("aborted");
});

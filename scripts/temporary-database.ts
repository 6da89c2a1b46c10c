import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../src/postgres/embedded.ts";
import { createStore } from "../src/store/store.ts";

/** Runs `work` with the URL of a freshly migrated database that is gone afterwards. */
export async function withTemporaryDatabase<Result>(work: (url: string) => Promise<Result> | Result): Promise<Result> {
  const dataDir = await mkdtemp(join(tmpdir(), "frontrow-"));
  // Run by root, the server is another user, who has to get in.
  await chmod(dataDir, 0o755);
  const embedded = await startEmbeddedPostgres({ dataDir, log: () => {} });
  try {
    const { host, port, user, password, database } = embedded.connection;
    const store = createStore({
      ...{ host, port, username: user, password, name: database, sslMode: "disable", poolSize: 1 },
      ...{ maxRetries: 0, lockTimeoutMs: 5_000, statementTimeoutMs: 30_000, preparedStatements: false },
    });
    await store.migrate().finally(() => store.close());
    return await work(`postgres://${user}:${password}@${host}:${port}/${database}`);
  } finally {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

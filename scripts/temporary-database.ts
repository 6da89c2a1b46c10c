import { startTemporaryPostgres } from "@frontrow/embedded-postgres";
import { createStore } from "../src/store/store.ts";

/** Runs `work` with the URL of a newly migrated database, which is removed afterwards. */
export async function withTemporaryDatabase<Result>(work: (url: string) => Promise<Result> | Result): Promise<Result> {
  await using postgres = await startTemporaryPostgres({ name: "frontrow" });
  const { host, port, user, password, database } = postgres.connection;
  const store = createStore({
    ...{ host, port, username: user, password, name: database, sslMode: "disable", poolSize: 1 },
    ...{ maxRetries: 0, lockTimeoutMs: 5_000, statementTimeoutMs: 30_000, preparedStatements: false },
  });
  await store.migrate().finally(() => store.close());
  return await work(postgres.url);
}

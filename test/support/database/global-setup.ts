import { randomUUID } from "node:crypto";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { createStore } from "../../../src/store/store.ts";
import { partitionTables } from "./partition.ts";
import { startTestPostgres } from "./postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A URL of the test server whose user may create databases. */
    readonly adminUrl: string;
    /** The same server as services reach it: by way of PgBouncer, if APP_TEST_POOLER is `pgbouncer`. */
    readonly serviceUrl: string;
    /** The migrated database that every test file's own is cloned from. */
    readonly templateName: string;
  }
}

/**
 * Once per run: a PostgreSQL server, and a migrated template database in it. Its tables are partitioned by concert if
 * APP_TEST_TABLES is `partitioned`.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTestPostgres();
  const templateName = `frontrow_template_${randomUUID().replaceAll("-", "")}`;
  const admin = new pg.Client({ connectionString: server.adminUrl });
  // A server that goes away fails the tests that need it; it must not end the run without a word.
  admin.on("error", (error) => process.stderr.write(`tests: the database server is gone: ${error.message}\n`));
  await admin.connect();
  await admin.query(`CREATE DATABASE ${templateName}`);
  const url = new URL(server.adminUrl);
  await migrateTemplate(url, templateName);
  if (process.env.APP_TEST_TABLES === "partitioned") {
    url.pathname = `/${templateName}`;
    await partitionTables(url.href);
  }
  const pooler = await startPooler(server.adminUrl);
  project.provide("adminUrl", server.adminUrl);
  project.provide("serviceUrl", pooler?.url ?? server.adminUrl);
  project.provide("templateName", templateName);
  return async () => {
    await admin.query(`DROP DATABASE IF EXISTS ${templateName} WITH (FORCE)`);
    await admin.end();
    await pooler?.close();
    await server.stop();
  };
}

/** Where PgBouncer is not installed, the import prints that tests are skipped: only these runs import it. */
async function startPooler(serverUrl: string) {
  if (process.env.APP_TEST_POOLER !== "pgbouncer") return undefined;
  const { startSharedPgBouncer } = await import("../process/pgbouncer.ts");
  return await startSharedPgBouncer(serverUrl);
}

async function migrateTemplate(url: URL, name: string): Promise<void> {
  const store = createStore({
    ...{ host: url.hostname, port: Number(url.port || 5432), name, sslMode: "disable", poolSize: 1 },
    ...{ username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
    ...{ maxRetries: 0, lockTimeoutMs: 5_000, statementTimeoutMs: 30_000, preparedStatements: false },
  });
  await store.migrate().finally(() => store.close());
}

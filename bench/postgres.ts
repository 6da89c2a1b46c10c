/** The database server of a run, and the databases that the run creates in it. */
import { randomBytes } from "node:crypto";
import { binariesOf, startTemporaryPostgres } from "@frontrow/embedded-postgres";
import pg from "pg";
import { oldestMajor } from "../src/store/server-checks.ts";
import { createStore } from "../src/store/store.ts";

/** A PostgreSQL server for one run. */
export interface BenchPostgres {
  /** Such as "18.4". */
  readonly version: string;
  /** PostgreSQL's setting. */
  readonly fsync: string;
  /** Makes a database with this checkout's schema, or with none, and without rows. */
  createDatabase(schema?: "none"): Promise<BenchDatabase>;
  stop(): Promise<void>;
}

/** A database that the run has created. */
export interface BenchDatabase {
  readonly url: string;
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/**
 * The embedded PostgreSQL on a new data folder that is removed afterwards, or the server of `adminUrl`, in which the run
 * creates its databases and uses no others.
 */
export async function startBenchPostgres(adminUrl: string | undefined, signal: AbortSignal): Promise<BenchPostgres> {
  const server = adminUrl === undefined ? await startEmbedded(signal) : { url: adminUrl, stop: async () => {} };
  const admin = new pg.Pool({ connectionString: server.url, max: 1 });
  admin.on("error", () => {});
  try {
    const { rows } = await admin.query(
      "select current_setting('server_version') as version, current_setting('fsync') as fsync",
    );
    const template = await createTemplate(server.url, admin);
    return {
      version: rows[0].version.split(" ")[0],
      fsync: rows[0].fsync,
      createDatabase: (schema) => createDatabase(server.url, admin, schema === "none" ? "template1" : template),
      stop: async () => {
        await dropDatabase(admin, template);
        await admin.end();
        await server.stop();
      },
    };
  } catch (error) {
    await admin.end();
    await server.stop();
    throw error;
  }
}

async function startEmbedded(signal: AbortSignal): Promise<{ url: string; stop(): Promise<void> }> {
  const isOldest = process.env.APP_BENCH_POSTGRES === "oldest";
  const chosen = isOldest ? { binaries: await binariesOf(`embedded-postgres-${oldestMajor}`) } : {};
  return await startTemporaryPostgres({ name: "frontrow", signal, ...chosen });
}

const newName = () => `frontrow_bench_${randomBytes(6).toString("hex")}`;

async function createTemplate(serverUrl: string, admin: pg.Pool): Promise<string> {
  const name = newName();
  await admin.query(`create database ${name}`);
  const { hostname, port, username, password } = new URL(serverUrl);
  const store = createStore({
    host: decodeURIComponent(hostname),
    port: Number(port || 5432),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    name,
    sslMode: "disable",
    poolSize: 1,
    ...{ maxRetries: 0, lockTimeoutMs: 5_000, statementTimeoutMs: 30_000, preparedStatements: false },
  });
  await store.migrate().finally(() => store.close());
  return name;
}

async function createDatabase(serverUrl: string, admin: pg.Pool, template: string): Promise<BenchDatabase> {
  const name = newName();
  await admin.query(`create database ${name} template ${template}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 1 });
  pool.on("error", () => {});
  return {
    url: url.href,
    query: async <Row extends object>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows,
    drop: async () => {
      await pool.end();
      await dropDatabase(admin, name);
    },
  };
}

async function dropDatabase(admin: pg.Pool, name: string): Promise<void> {
  await admin.query(`drop database if exists ${name} with (force)`);
}

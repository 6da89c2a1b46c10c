/** The roles of the production overlay on a real PostgreSQL: one migrates, the other one serves and owns nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type OwnServer, startOwnServer } from "../support/database/own-server.ts";
import { hasPgBouncer, startPgBouncer } from "../support/process/pgbouncer.ts";
import { openProgram, startProgram } from "../support/process/program.ts";
import { projectRoot } from "../support/project-root.ts";
import { postJson } from "../support/service/rest.ts";
import { moonlightJson } from "../support/service/stage.ts";
import { type Overlay, only, readOverlay } from "./support/manifests.ts";
import { canInstallTools } from "./support/tools.ts";

const clusterSchema = z.looseObject({
  spec: z.looseObject({
    bootstrap: z.object({
      initdb: z.looseObject({ owner: z.string(), database: z.string(), postInitApplicationSQL: z.array(z.string()) }),
    }),
    managed: z.object({ roles: z.array(z.looseObject({ name: z.string(), login: z.literal(true) })) }),
  }),
});
const poolerSchema = z.looseObject({
  spec: z.looseObject({ pgbouncer: z.looseObject({ parameters: z.record(z.string(), z.string()) }) }),
});

/** The statements that docs/operations.md has after the first start. */
function documentedRevokes(): string[] {
  const text = readFileSync(join(projectRoot, "docs/operations.md"), "utf8");
  return [...text.matchAll(/^ {2}-c '(REVOKE [^']+)'/gm)].map(([, statement = ""]) => statement);
}

/** Creates the database as CloudNativePG does, on a server that has an empty one with its name. */
async function bootstrap(session: pg.Client, overlay: Overlay) {
  const { bootstrap, managed } = overlay.one("Cluster", "concert-database", clusterSchema).spec;
  const { owner, database, postInitApplicationSQL } = bootstrap.initdb;
  await session.query(`CREATE ROLE ${owner} LOGIN PASSWORD 'pw'; ALTER DATABASE ${database} OWNER TO ${owner}`);
  for (const statement of postInitApplicationSQL) await session.query(statement);
  const { name } = only(managed.roles);
  await session.query(`ALTER ROLE ${name} LOGIN PASSWORD 'pw'`);
  return { owner, service: name };
}

/** The settings of the overlay, for a PostgreSQL and callers of this machine. */
function environment({ settings }: Overlay, port: string, user: string): Record<string, string> {
  return {
    ...settings,
    APP_HOST: "127.0.0.1",
    APP_REST_PORT: "0",
    APP_GRPC_PORT: "0",
    APP_METRICS_PORT: "",
    APP_SHUTDOWN_DELAY: "0s",
    APP_AUTH_MODE: "none",
    APP_DATABASE_HOST: "127.0.0.1",
    APP_DATABASE_PORT: port,
    APP_DATABASE_SSLMODE: "disable",
    APP_DATABASE_SSL_CA_FILE: "",
    APP_DATABASE_USERNAME: user,
    APP_DATABASE_PASSWORD: "pw",
  };
}

/** PgBouncer as the overlay's Pooler, but without TLS. */
async function openPooler(overlay: Overlay, databaseUrl: string, user: string) {
  const url = new URL(databaseUrl);
  [url.username, url.password] = [user, "pw"];
  const { client_tls_sslmode: _, ...parameters } = only(overlay.all("Pooler", poolerSchema)).spec.pgbouncer.parameters;
  // CloudNativePG adds this one.
  return await startPgBouncer(url.href, { ...parameters, ignore_startup_parameters: "extra_float_digits,options" });
}

describe.skipIf(!canInstallTools())("the roles of production", () => {
  let overlay: Overlay;
  let server: OwnServer;
  let names: { readonly owner: string; readonly service: string };
  beforeAll(async () => {
    overlay = await readOverlay("production");
    server = await startOwnServer();
    const session = await server.database.connect();
    names = await bootstrap(session, overlay).finally(() => session.end());
  });
  afterAll(() => server?.close());

  test("let the owner migrate: before that the service does not start", async () => {
    const { port } = new URL(server.database.url);
    const tooEarly = startProgram(environment(overlay, port, names.service), overlay.serviceContainer.args);
    expect(await tooEarly.ended).toBe(1);
    const job = only(overlay.pods.filter(({ owner }) => owner.startsWith("Job ")));
    const migration = startProgram(environment(overlay, port, names.owner), only(job.spec.containers).args);
    expect([await migration.ended, migration.output()]).toEqual([0, expect.stringContaining("migrated the database")]);
    expect(documentedRevokes()).toHaveLength(2);
    for (const statement of documentedRevokes()) await server.database.query(statement);
  });

  test.skipIf(!hasPgBouncer)("let the service book through PgBouncer", async () => {
    const pooler = await openPooler(overlay, server.database.url, names.service);
    onTestFinished(() => pooler.close());
    const env = environment(overlay, new URL(pooler.url).port, names.service);
    await using service = await openProgram(env, overlay.serviceContainer.args);
    const concert = await postJson(service.baseUrl, "/api/v1/concerts", moonlightJson);
    expect(concert.status).toBe(201);
    const request = { concert_id: concert.body.id, user_id: "nora", ticket_count: 1 };
    expect(await postJson(service.baseUrl, "/api/v1/bookings", request)).toMatchObject({ status: 201 });
    expect(await service.stop()).toBe(0);
  });

  test("let the service delete old rows, but not change the audit trail, the schema or its record", async () => {
    const session = await server.database.connect();
    onTestFinished(() => session.end());
    await session.query(`SET ROLE ${names.service}`);
    const trail = await server.database.query("SELECT * FROM audit_entries");
    await session.query("DELETE FROM batches; DELETE FROM bookings WHERE false");
    const statements = [
      "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
      "DELETE FROM audit_entries",
      "DELETE FROM concert_requests",
      "DELETE FROM kysely_migration",
      "INSERT INTO kysely_migration VALUES ('9999_latest', '2099-01-01')",
      "UPDATE kysely_migration_lock SET is_locked = 1",
      "TRUNCATE audit_entries",
      "CREATE TABLE notes ()",
    ];
    for (const statement of statements) await expect(session.query(statement), statement).rejects.toThrow();
    expect(await server.database.query("SELECT * FROM audit_entries")).toEqual(trail);
  });
});

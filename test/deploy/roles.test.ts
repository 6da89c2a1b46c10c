/** The roles of the production overlay on a real PostgreSQL: one migrates, the other one serves and owns nothing. */
import type pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type OwnServer, startOwnServer } from "../support/database/own-server.ts";
import { openProgram, startProgram } from "../support/process/program.ts";
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

/** Creates the database as CloudNativePG does, on a server that has an empty one with its name. */
async function bootstrap(session: pg.Client, overlay: Overlay) {
  const { bootstrap, managed } = overlay.one("Cluster", "concert-database", clusterSchema).spec;
  const { owner, database, postInitApplicationSQL } = bootstrap.initdb;
  await session.query(`CREATE ROLE ${owner} LOGIN PASSWORD 'pw'; ALTER DATABASE ${database} OWNER TO ${owner}`);
  for (const statement of postInitApplicationSQL) await session.query(statement);
  const { name } = only(managed.roles);
  await session.query(`ALTER ROLE ${name} LOGIN PASSWORD 'pw'`);
  return { owner, name };
}

/** The settings of the overlay, for a PostgreSQL and callers of this machine. */
function environment({ settings }: Overlay, server: OwnServer, user: string): Record<string, string> {
  const { port } = new URL(server.database.url);
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

describe.skipIf(!canInstallTools())("the roles of production", () => {
  let overlay: Overlay;
  beforeAll(async () => {
    overlay = await readOverlay("production");
  });

  test("let the owner migrate, and then the service book, but not change the audit trail", async () => {
    await using server = await startOwnServer();
    const session = await server.database.connect();
    const { owner, name } = await bootstrap(session, overlay).finally(() => session.end());

    const tooEarly = startProgram(environment(overlay, server, name), overlay.serviceContainer.args);
    expect(await tooEarly.ended).toBe(1);
    const job = only(overlay.pods.filter(({ owner: name }) => name.startsWith("Job ")));
    const migration = startProgram(environment(overlay, server, owner), only(job.spec.containers).args);
    expect([await migration.ended, migration.output()]).toEqual([0, expect.stringContaining("migrated the database")]);

    await using service = await openProgram(environment(overlay, server, name), overlay.serviceContainer.args);
    const concert = await postJson(service.baseUrl, "/api/v1/concerts", moonlightJson);
    expect(concert.status).toBe(201);
    const request = { concert_id: concert.body.id, user_id: "nora", ticket_count: 1 };
    expect(await postJson(service.baseUrl, "/api/v1/bookings", request)).toMatchObject({ status: 201 });
    expect(await service.stop()).toBe(0);

    const [tables] = await server.database.query<{ owned: number; entries: number }>(
      `SELECT (SELECT count(*) FROM pg_class WHERE relowner = '${name}'::regrole)::int AS owned,
        (SELECT count(*) FROM audit_entries)::int AS entries`,
    );
    expect(tables).toEqual({ owned: 0, entries: 1 });
    const asService = await server.database.connect();
    await asService.query(`SET ROLE ${name}`);
    const forbidden = [
      "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
      "DELETE FROM audit_entries",
      "DROP TABLE bookings",
    ];
    for (const statement of forbidden) await expect(asService.query(statement), statement).rejects.toThrow();
    await asService.end();
  });
});

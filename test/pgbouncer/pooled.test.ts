/** That the other tests of this run are what its name says: through PgBouncer, and without prepared statements. */
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { postJson } from "../support/service/rest.ts";
import { startTestService } from "../support/service/service.ts";
import { moonlightJson } from "../support/service/stage.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await using service = await startTestService({}, database);
  const { body: concert } = await postJson(service.baseUrl, "/api/v1/concerts", moonlightJson);
  const booking = { concert_id: concert.id, user_id: "nora", ticket_count: 1 };
  for (let turn = 0; turn < 10; turn++) {
    expect(await postJson(service.baseUrl, "/api/v1/bookings", booking)).toMatchObject({ status: 201 });
  }
});
afterAll(() => database.drop());

/** The rows of a statement over one connection of PgBouncer. */
async function query(name: string, statement: string) {
  const url = new URL(database.url);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return (await client.query(statement).finally(() => client.end())).rows;
}

const nameOf = ({ url }: TestDatabase) => new URL(url).pathname.slice(1);

test("the service's transactions share sessions of PgBouncer", async () => {
  const pools = await query("pgbouncer", "SHOW POOLS");
  expect(pools).toContainEqual(expect.objectContaining({ database: nameOf(database), pool_mode: "transaction" }));
});

test("no session has a prepared statement", async () => {
  const seen = new Map<number, number>();
  // Sessions take turns: each connection gets another one. PgBouncer also lists those that it is about to close.
  await vi.waitFor(async () => {
    const [session] = await query(
      nameOf(database),
      "SELECT pg_backend_pid() AS pid, (SELECT count(*)::int FROM pg_prepared_statements) AS prepared",
    );
    seen.set(session.pid, session.prepared);
    const servers = await query("pgbouncer", "SHOW SERVERS");
    const pids = servers.filter((server) => server.database === nameOf(database)).map((server) => server.remote_pid);
    expect([...seen.keys()]).toEqual(expect.arrayContaining(pids));
  });
  expect(new Set(seen.values())).toEqual(new Set([0]));
});

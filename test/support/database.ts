import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

/** A test file's own migrated database. */
export interface TestDatabase {
  readonly url: string;
  /** Plain SQL from outside the service: to arrange what no API call can, and to look at what is stored. */
  query<Row extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  /** A connection of its own, for sessions that hold locks; the caller ends it. */
  connect(): Promise<pg.Client>;
  /** Breaks what every commit must keep: rejects with what is wrong. */
  checkInvariants(): Promise<void>;
  drop(): Promise<void>;
}

/** Clones the template: 15 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `frontrow_test_${randomUUID().replaceAll("-", "")}`;
  const url = new URL(inject("adminUrl"));
  await withAdmin((admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE ${inject("templateName")}`));
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 2 });
  pool.on("error", () => {});
  const query = async <Row extends object>(text: string, values: unknown[] = []) =>
    (await pool.query<Row>(text, values)).rows;
  return {
    url: url.href,
    query,
    connect: async () => {
      const client = new pg.Client({ connectionString: url.href });
      client.on("error", () => {});
      await client.connect();
      return client;
    },
    checkInvariants: async () => {
      const broken = await query(brokenInvariants);
      if (broken.length > 0) throw new Error(`broken invariants: ${JSON.stringify(broken)}`);
    },
    drop: async () => {
      await pool.end();
      await withAdmin((admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

const brokenInvariants = `
  SELECT c.id::text, c.total_tickets, c.available_tickets, coalesce(sum(b.ticket_count), 0)::int AS confirmed
  FROM concerts c LEFT JOIN bookings b ON b.concert_id = c.id AND b.status = 'confirmed'
  GROUP BY c.id
  HAVING c.available_tickets + coalesce(sum(b.ticket_count), 0) <> c.total_tickets OR c.available_tickets < 0
  UNION ALL
  SELECT concert_id::text, count(*)::int, NULL, NULL
  FROM bookings GROUP BY concert_id, user_id, request_id HAVING count(*) > 1`;

async function withAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: inject("adminUrl") });
  await admin.connect();
  await work(admin).finally(() => admin.end());
}

/** The database of a test file: a clone of the migrated template. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

/** A migrated database of one test file. */
export interface TestDatabase extends AsyncDisposable {
  /** For services. The methods below connect directly, also if this leads to a pooler. */
  readonly url: string;
  /** Plain SQL from outside the service: to arrange what no API call can, and to look at what is stored. */
  query<Row extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  /** A new connection, for sessions that hold locks. The caller ends it. */
  connect(): Promise<pg.Client>;
  /** Rejects with what is wrong if an invariant that every commit must keep is broken. */
  checkInvariants(): Promise<void>;
  /** Deletes all concerts with their keys, and all bookings. On tables this small DELETE is faster than TRUNCATE. */
  clear(): Promise<void>;
  drop(): Promise<void>;
}

/** Clones the migrated template, or the one that is named: 15 ms. */
export async function createTestDatabase(template = inject("templateName")): Promise<TestDatabase> {
  const name = `frontrow_test_${randomUUID().replaceAll("-", "")}`;
  await withAdmin((admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  const connectionString = withName(inject("adminUrl"), name);
  const pool = new pg.Pool({ connectionString, max: 2 });
  pool.on("error", () => {});
  const query = async <Row extends object>(text: string, values: unknown[] = []) =>
    (await pool.query<Row>(text, values)).rows;
  const drop = async () => {
    await pool.end();
    await withAdmin((admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  };
  return {
    url: withName(inject("serviceUrl"), name),
    ...databaseTools(query, drop),
    connect: async () => {
      const client = new pg.Client({ connectionString });
      client.on("error", () => {});
      await client.connect();
      return client;
    },
  };
}

function withName(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** What a test does with any database, by a function that queries it. */
export function databaseTools(query: TestDatabase["query"], drop: () => Promise<void>) {
  return {
    ...{ query, drop, [Symbol.asyncDispose]: drop },
    checkInvariants: () => checkInvariants(query),
    clear: async () => void (await query(deleteAll)),
  };
}

/** The service may still store bookings of calls that a test has given up: each of its transactions locks its concert first. */
const deleteAll = `
  LOCK TABLE concerts IN EXCLUSIVE MODE;
  DELETE FROM bookings; DELETE FROM concerts; DELETE FROM concert_requests`;

async function checkInvariants(query: TestDatabase["query"]): Promise<void> {
  const broken = [...(await query(brokenInvariants)), ...(await query(brokenTrail))];
  if (broken.length > 0) throw new Error(`broken invariants: ${JSON.stringify(broken)}`);
}

const brokenInvariants = `
  SELECT c.id::text, c.total_tickets, c.available_tickets, c.held_tickets,
    coalesce(sum(b.ticket_count) FILTER (WHERE b.status = 'held'), 0)::int AS held,
    coalesce(sum(b.ticket_count) FILTER (WHERE b.status = 'confirmed'), 0)::int AS confirmed
  FROM concerts c LEFT JOIN bookings b ON b.concert_id = c.id AND b.status IN ('held', 'confirmed')
  GROUP BY c.id
  HAVING c.available_tickets + coalesce(sum(b.ticket_count), 0) <> c.total_tickets OR c.available_tickets < 0
    OR c.held_tickets <> coalesce(sum(b.ticket_count) FILTER (WHERE b.status = 'held'), 0)
  UNION ALL
  SELECT concert_id::text, count(*)::int, NULL, NULL, NULL, NULL
  FROM bookings GROUP BY concert_id, user_id, request_id HAVING count(*) > 1`;

/**
 * A booking names who made it and who cancelled it. The audit trail repeats this for acts on others' bookings, and has an
 * entry for each change of a concert.
 */
const brokenTrail = `
  SELECT b.id::text AS booking, user_id, status, booked_by, cancelled_by, made, cancelled
  FROM bookings b, LATERAL (
    SELECT array_agg(actor) FILTER (WHERE action IN ('booking.create', 'booking.hold')) AS made,
      array_agg(actor) FILTER (WHERE action = 'booking.cancel') AS cancelled
    FROM audit_entries WHERE booking_id = b.id AND concert_id = b.concert_id) AS trail
  WHERE booked_by IS NULL OR (status = 'cancelled') <> (cancelled_by IS NOT NULL)
    OR made IS DISTINCT FROM CASE WHEN booked_by <> user_id THEN ARRAY[booked_by] END
    OR cancelled IS DISTINCT FROM CASE WHEN cancelled_by <> user_id THEN ARRAY[cancelled_by] END
  UNION ALL
  SELECT c.id::text, 'concert ' || c.version, NULL, NULL, NULL, NULL, array_agg(a.action)
  FROM concerts c JOIN audit_entries a ON a.concert_id = c.id AND booking_id IS NULL
  GROUP BY c.id
  HAVING count(*) FILTER (WHERE action = 'concert.create') <> 1
    OR count(*) FILTER (WHERE action = 'concert.update') <> c.version - 1`;

async function withAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: inject("adminUrl") });
  await admin.connect();
  await work(admin).finally(() => admin.end());
}

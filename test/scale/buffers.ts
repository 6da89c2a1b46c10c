/** Counts the buffers that PostgreSQL touches for what a service in this process does. */
import pg from "pg";
import type { TestDatabase } from "../support/database/database.ts";

export interface Measured<Answer> {
  readonly answer: Answer;
  /** Pages of tables and indexes that were looked at, in memory or not, by whatever session. */
  readonly buffers: number;
  /** What was sent to PostgreSQL meanwhile. */
  readonly statements: readonly string[];
}

export interface BufferMeter {
  measure<Answer>(work: () => Promise<Answer>): Promise<Measured<Answer>>;
  /** What has been sent to PostgreSQL since the last measurement began. */
  readonly sent: readonly string[];
  close(): void;
}

const maxAttempts = 1_000;

/**
 * A meter for a database. PostgreSQL counts every page that it looks at, but a session reports its counts when it thinks
 * fit: the meter has each one report before it reads them. Make it before the service.
 */
export function createBufferMeter(database: TestDatabase): BufferMeter {
  const clients = new Set<pg.Client>();
  const sent: string[] = [];
  const query = pg.Client.prototype.query;
  const run: (this: pg.Client, ...parameters: unknown[]) => unknown = query;
  pg.Client.prototype.query = function (this: pg.Client, ...parameters: unknown[]) {
    clients.add(this);
    sent.push(textOf(parameters[0]));
    return run.apply(this, parameters);
  } as typeof query;

  /** Has all sessions report, and makes sure that they were all. */
  async function reportAll(): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const reported = await Promise.all([...clients].map(report));
      const sessions = await database.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'frontrow'",
      );
      // One of the service's that is not among them has just come or is about to go.
      if (sessions.every(({ pid }) => reported.includes(pid))) return;
    }
    throw new Error("the service has a session that the meter does not know");
  }

  async function report(client: pg.Client): Promise<number | undefined> {
    try {
      // What the statement asks for is done at its end, before the session says that it is ready for the next one.
      const { rows } = await client.query("SELECT pg_backend_pid() AS pid, pg_stat_force_next_flush()");
      return rows[0].pid;
    } catch {
      clients.delete(client);
      return undefined;
    }
  }

  async function read(): Promise<number> {
    const [row] = await database.query<{ buffers: string }>(
      `SELECT sum(pg_stat_get_blocks_fetched(oid))::text AS buffers
       FROM pg_class WHERE relnamespace = 'public'::regnamespace`,
    );
    return Number(row?.buffers);
  }

  return {
    sent,
    async measure(work) {
      await reportAll();
      const before = await read();
      sent.length = 0;
      const answer = await work();
      const statements = [...sent];
      await reportAll();
      return { answer, statements, buffers: (await read()) - before };
    },
    close: () => {
      pg.Client.prototype.query = query;
    },
  };
}

function textOf(statement: unknown): string {
  return typeof statement === "object" && statement && "text" in statement ? String(statement.text) : String(statement);
}

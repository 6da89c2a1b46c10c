/** A service on a big database, with a meter on it. */
import { createHash } from "node:crypto";
import type pg from "pg";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { createProtocolClient, type ProtocolClient } from "../support/protocols/protocols.ts";
import { type Settings, startTestService } from "../support/service/service.ts";
import { type BufferMeter, createBufferMeter } from "./buffers.ts";

export interface ScaleStage {
  readonly database: TestDatabase;
  readonly meter: BufferMeter;
  readonly client: ProtocolClient;
  readonly baseUrl: string;
  /** A session of the test's own. */
  readonly session: pg.Client;
  close(): Promise<void>;
}

/** Starts a service on a database whose statistics only the test gathers. `prepare` runs before it. */
export async function openScaleStage(
  settings: Settings,
  prepare: (session: pg.Client) => Promise<void>,
): Promise<ScaleStage> {
  const database = await createTestDatabase();
  const session = await database.connect();
  try {
    for (const table of ["concerts", "concert_requests", "bookings"]) {
      await session.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
    }
    await prepare(session);
  } catch (error) {
    await database.drop();
    throw error;
  }
  const meter = createBufferMeter(database);
  const service = await startTestService(settings, database);
  const client = createProtocolClient("Connect JSON", service.baseUrl);
  return {
    ...{ database, session, meter, client, baseUrl: service.baseUrl },
    close: async () => {
      client.close();
      await service.close();
      meter.close();
      await session.end();
      await database.drop();
    },
  };
}

/** The request id of a loaded booking. */
export function requestIdOf(bookingId: number): string {
  const hex = createHash("md5").update(String(bookingId)).digest("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** A list's page token with another position in it. */
export function moveToken(token: string, ...position: string[]): string {
  const [list] = JSON.parse(Buffer.from(token, "base64url").toString());
  return Buffer.from(JSON.stringify([list, ...position])).toString("base64url");
}

/** Has a call read the database. */
export const uncached = { headers: { "Cache-Control": "no-cache" } };

/** A PostgreSQL server of a test's own, which may be stopped and started while services use it. */

import type { EmbeddedPostgres } from "@frontrow/embedded-postgres";
import type pg from "pg";
import { startEmbeddedDatabase } from "../../src/store/embedded.ts";
import { createDataFolder } from "./data-folder.ts";
import { checkInvariants, type TestDatabase } from "./database.ts";

/** How PostgreSQL stops: sessions are ended and all is written down, or nothing more is done, as in a crash. */
export type StopMode = "fast" | "immediate";

export interface OwnServer {
  readonly database: TestDatabase;
  /** Stops it and, after what happens meanwhile, starts it again, on another port. */
  restart(mode: StopMode, meanwhile: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function startOwnServer(): Promise<OwnServer> {
  const folder = await createDataFolder();
  const start = () => startEmbeddedDatabase({ dataDir: folder.path });
  let postgres: EmbeddedPostgres = await start();
  const query = async <Row extends object>(text: string, values: unknown[] = []) => {
    const session: pg.Client = await folder.connect();
    return (await session.query<Row>(text, values).finally(() => session.end())).rows;
  };
  const close = async () => {
    await postgres.stop();
    await folder.remove();
  };
  return {
    database: {
      get url() {
        return postgres.url;
      },
      query,
      connect: () => folder.connect(),
      checkInvariants: () => checkInvariants(query),
      drop: close,
    },
    async restart(mode, meanwhile) {
      const pid = (await folder.server())?.pid;
      if (mode === "immediate" && pid !== undefined) {
        process.kill(pid, "SIGQUIT");
        await postgres.exited;
      }
      await postgres.stop();
      await meanwhile();
      postgres = await start();
    },
    close,
  };
}

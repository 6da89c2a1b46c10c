/** A PostgreSQL server of one test file, which may stop and start while services use it. */
import type { EmbeddedPostgres } from "@frontrow/embedded-postgres";
import type pg from "pg";
import { startEmbeddedDatabase } from "../../../src/store/embedded.ts";
import { createDataFolder } from "./data-folder.ts";
import { databaseTools, type TestDatabase } from "./database.ts";

/** How PostgreSQL stops: `fast` ends the sessions and writes a checkpoint, `immediate` ends as in a crash. */
type StopMode = "fast" | "immediate";

export interface OwnServer extends AsyncDisposable {
  readonly database: TestDatabase;
  /** Stops it, runs `meanwhile`, and starts it again on another port. */
  restart(mode: StopMode, meanwhile: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server, with these settings at each start. */
export async function startOwnServer(settings: Readonly<Record<string, string>> = {}): Promise<OwnServer> {
  const folder = await createDataFolder();
  const start = () => startEmbeddedDatabase({ dataDir: folder.path, settings });
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
      ...databaseTools(query, close),
      connect: () => folder.connect(),
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
    [Symbol.asyncDispose]: close,
  };
}

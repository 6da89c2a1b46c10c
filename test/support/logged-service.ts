/** The service in the test's process with all that it logs, down to the least line. */
import { startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { projectRoot, type Settings, testEnvironment } from "./service.ts";

export interface LoggedService {
  readonly baseUrl: string;
  readonly database: TestDatabase;
  /** What was written at once, as it was. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

export async function startLoggedService(settings: Settings = {}): Promise<LoggedService> {
  const database = await createTestDatabase();
  const lines: string[] = [];
  const env = testEnvironment(database.url, settings);
  const { config } = loadConfig({ argv: [], env, readFile: () => undefined, projectRoot });
  const logger = createLogger({ level: "trace", destination: { write: (line) => lines.push(line) } });
  const app = await startApp(config, logger, new AbortController().signal);
  return {
    baseUrl: `http://127.0.0.1:${app.restPort}`,
    database,
    lines,
    close: async () => {
      await app.close();
      await database.drop();
    },
  };
}

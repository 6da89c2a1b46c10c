import { join } from "node:path";
import { startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config.ts";
import { createLogger } from "../../src/log.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

/** The whole service inside the test's process, on ports of its own. */
export interface TestService {
  readonly database: TestDatabase;
  /** `http://127.0.0.1:PORT` of the REST port and of the gRPC port. */
  readonly baseUrl: string;
  readonly grpcUrl: string;
  close(): Promise<void>;
}

/** Settings as in the environment, such as `{ APP_MAX_TICKETS_PER_BOOKING: "4" }`. */
export type Settings = Readonly<Record<string, string>>;

export const projectRoot = join(import.meta.dirname, "..", "..");

/** The environment of a service under test: free ports, loopback only, its database. */
export function testEnvironment(databaseUrl: string, settings: Settings = {}): Record<string, string> {
  return {
    APP_HOST: "127.0.0.1",
    APP_REST_PORT: "0",
    APP_GRPC_PORT: "0",
    APP_LOG_LEVEL: "fatal",
    APP_DATABASE_URL: databaseUrl,
    ...settings,
  };
}

/** Starts the service on a database of its own, or on the one given, which then outlives it. */
export async function startTestService(settings: Settings = {}, shared?: TestDatabase): Promise<TestService> {
  const database = shared ?? (await createTestDatabase());
  const env = testEnvironment(database.url, settings);
  const { config } = loadConfig({ argv: [], env, readFile: () => undefined, projectRoot });
  const logger = createLogger({ level: config.logLevel });
  const app = await startApp(config, logger, new AbortController().signal);
  return {
    database,
    baseUrl: `http://127.0.0.1:${app.restPort}`,
    grpcUrl: `http://127.0.0.1:${app.grpcPort}`,
    close: async () => {
      await app.close();
      if (!shared) await database.drop();
    },
  };
}

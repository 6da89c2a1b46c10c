import { join } from "node:path";
import { startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

/** The whole service inside the test's process, on ports of its own. */
export interface TestService {
  readonly database: TestDatabase;
  /** `http://127.0.0.1:PORT` of the REST port and of the gRPC port. */
  readonly baseUrl: string;
  readonly grpcUrl: string;
  /** How many bookings and cancels wait in its process at this moment. */
  queuedRequests(): number;
  close(): Promise<void>;
}

/** Settings as in the environment, such as `{ APP_MAX_TICKETS_PER_BOOKING: "4" }`. */
export type Settings = Readonly<Record<string, string>>;

/** For reads of what another service, or plain SQL, has just changed. */
export const noCache = { headers: { "Cache-Control": "no-cache" } } as const;

export const projectRoot = join(import.meta.dirname, "..", "..");

/** Whom a test plays is nobody's business but the test's: it may call as often as it wants. */
const unlimited = {
  APP_RATE_LIMIT_READS: "0",
  APP_RATE_LIMIT_BOOKINGS: "0",
  APP_RATE_LIMIT_ADMIN: "0",
  APP_MAX_UNFINISHED_PER_CALLER: "1000000",
};

/** The environment of a service under test: free ports, loopback only, its database, no limits for callers. */
export function testEnvironment(databaseUrl: string, settings: Settings = {}): Record<string, string> {
  return {
    APP_HOST: "127.0.0.1",
    // Without it, calls for other hosts than this machine are refused. A test may name any host.
    APP_AUTH_MODE: "none",
    APP_REST_PORT: "0",
    APP_GRPC_PORT: "0",
    APP_LOG_LEVEL: "fatal",
    APP_DATABASE_URL: databaseUrl,
    ...unlimited,
    ...settings,
  };
}

/** Starts services that share a database, so that calls meet there and not in one service's queue. */
export function startTestServices(count: number, database: TestDatabase, settings: Settings): Promise<TestService[]> {
  return Promise.all(Array.from({ length: count }, () => startTestService(settings, database)));
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
    queuedRequests: () => app.queuedRequests(),
    close: async () => {
      await app.close();
      if (!shared) await database.drop();
    },
  };
}

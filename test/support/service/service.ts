/** The whole service in the test's process: how a test starts it, and the settings that it starts with. */
import { startApp } from "../../../src/app.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { createLogger, type LogOptions } from "../../../src/telemetry/log.ts";
import { createTestDatabase, type TestDatabase } from "../database/database.ts";
import { projectRoot } from "../project-root.ts";

export interface TestService extends AsyncDisposable {
  readonly database: TestDatabase;
  /** `http://127.0.0.1:PORT` of the REST port and of the gRPC port. */
  readonly baseUrl: string;
  readonly grpcUrl: string;
  /** Of a service with APP_METRICS_PORT. */
  readonly metricsUrl: string;
  /** What it has logged, if the test gave a log level. */
  readonly lines: readonly string[];
  /** How many bookings and cancels wait in its process at this moment. */
  queuedRequests(): number;
  close(): Promise<void>;
}

/** Settings as in the environment, such as `{ APP_MAX_TICKETS_PER_BOOKING: "4" }`. */
export type Settings = Readonly<Record<string, string>>;

/** For reads of what another service, or plain SQL, has just changed. */
export const noCache = { headers: { "Cache-Control": "no-cache" } } as const;

/** All calls of a test come from one address, and often from one user. */
const unlimited = {
  APP_RATE_LIMIT_READS: "0",
  APP_RATE_LIMIT_BOOKINGS: "0",
  APP_RATE_LIMIT_SETTLEMENTS: "0",
  APP_RATE_LIMIT_ADMIN: "0",
  APP_MAX_UNFINISHED_PER_CALLER: "1000000",
};

/** The environment of a service under test: free ports, loopback only, its database, no limits for callers. */
export function testEnvironment(databaseUrl: string, settings: Settings = {}): Record<string, string> {
  return {
    APP_HOST: "127.0.0.1",
    // Without a mode the service rejects calls whose Host is not this machine's, and a test may name any host.
    APP_AUTH_MODE: "none",
    APP_REST_PORT: "0",
    APP_GRPC_PORT: "0",
    APP_LOG_LEVEL: "fatal",
    APP_DATABASE_URL: databaseUrl,
    ...unlimited,
    ...settings,
  };
}

/** Starts services that share a database, so that calls meet in the database and not in one service's queue. */
export function startTestServices(count: number, database: TestDatabase, settings: Settings): Promise<TestService[]> {
  return Promise.all(Array.from({ length: count }, () => startTestService(settings, database)));
}

/** Starts the service on a new database, or on the one given, which then outlives it. */
export async function startTestService(
  settings: Settings = {},
  shared?: TestDatabase,
  logLevel?: LogOptions["level"],
): Promise<TestService> {
  await using stack = new AsyncDisposableStack();
  const database = shared ?? stack.use(await createTestDatabase());
  const env = testEnvironment(database.url, settings);
  const { config } = loadConfig({ argv: [], env, readFile: () => undefined, projectRoot });
  const lines: string[] = [];
  const logger =
    logLevel === undefined
      ? createLogger({ level: config.logLevel })
      : createLogger({ level: logLevel, destination: { write: (line) => lines.push(line) } });
  const app = await startApp(config, logger, new AbortController().signal);
  stack.defer(async () => void (await app.close()));
  const owned = stack.move();
  const close = () => owned.disposeAsync();
  return {
    database,
    baseUrl: `http://127.0.0.1:${app.restPort}`,
    grpcUrl: `http://127.0.0.1:${app.grpcPort}`,
    metricsUrl: `http://127.0.0.1:${app.metricsPort}/metrics`,
    lines,
    queuedRequests: () => app.queuedRequests(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

import { sslModes } from "./database-url.ts";
import type { Kind } from "./kinds.ts";
import {
  bindAddress,
  boolean,
  choice,
  databaseHost,
  databaseUrl,
  duration,
  integer,
  origins,
  path,
  secret,
  text,
} from "./kinds.ts";

/** One thing an operator can set. All its names derive from its path in the YAML file. */
export interface Setting<T = unknown, Default extends string | undefined = string | undefined> {
  /** Its path in the YAML file: `database.host`. */
  readonly path: string;
  /** Its environment variable: `APP_DATABASE_HOST`. */
  readonly environmentName: string;
  /** Its flag: `--database-host`. */
  readonly flag: string;
  readonly kind: Kind<T>;
  /** Its default, written as an operator would; undefined where nothing stands in for it. */
  readonly defaultText: Default;
  readonly description: string;
}

function setting<T, const Default extends string | undefined>(
  path: string,
  kind: Kind<T>,
  defaultText: Default,
  description: string,
): Setting<T, Default> {
  const words = path.split(/[._]/);
  return {
    path,
    environmentName: `APP_${words.join("_").toUpperCase()}`,
    flag: `--${words.join("-")}`,
    kind,
    defaultText,
    description,
  };
}

const listenPort = integer(0, 65_535);

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Every setting there is. The readers, the help, the example file and the README's table all follow this one. */
export const settings = {
  host: setting("host", bindAddress, "0.0.0.0", "Address that both ports listen on"),
  restPort: setting("rest_port", listenPort, "8080", "REST API port; 0 lets the system pick one"),
  grpcPort: setting("grpc_port", listenPort, "50051", "gRPC port; 0 lets the system pick one"),
  logLevel: setting("log_level", choice(logLevels), "info", "Least serious level that is logged"),
  maxTicketsPerBooking: setting("max_tickets_per_booking", integer(1, 100), "10", "Most tickets one booking may take"),
  maxRetries: setting("max_retries", integer(0, 20), "3", "Most repeats of a transaction that met a passing conflict"),
  maxQueuedRequests: setting(
    "max_queued_requests",
    integer(1, 1_000_000),
    "10000",
    "Most bookings and cancels that may wait at once",
  ),
  requestTimeout: setting("request_timeout", duration, "10s", "Deadline of a call whose client sets none"),
  shutdownTimeout: setting("shutdown_timeout", duration, "20s", "How long a shutdown waits for calls in flight"),
  maxBodyBytes: setting("max_body_bytes", integer(1024, 16_777_216), "65536", "Largest request body, in bytes"),
  corsOrigins: setting("cors_origins", origins, "*", "Origins whose pages may call the API"),
  lockTimeout: setting("lock_timeout", duration, "3s", "How long a statement waits for a row lock"),
  statementTimeout: setting("statement_timeout", duration, "5s", "How long a database statement may run"),

  databaseUrl: setting("database.url", databaseUrl, undefined, "Database as one URL; wins over single settings"),
  databaseHost: setting(
    "database.host",
    databaseHost,
    undefined,
    "Database host; localhost if only other parts are set",
  ),
  databasePort: setting("database.port", integer(1, 65_535), "5432", "Database port"),
  databaseUsername: setting("database.username", text, "postgres", "Database user"),
  databasePassword: setting("database.password", secret, "postgres", "Password of the database user"),
  databaseName: setting("database.name", text, "concert_tickets", "Database name"),
  databaseSslMode: setting("database.sslmode", choice(sslModes), "disable", "Protection of the database connection"),
  databaseSslCaFile: setting(
    "database.ssl_ca_file",
    path,
    undefined,
    "Certificate authorities (PEM) to trust under verify-full",
  ),
  databasePoolSize: setting(
    "database.pool_size",
    integer(1, 200),
    "10",
    "Most database connections for callers; one more is kept aside",
  ),
  databasePreparedStatements: setting(
    "database.prepared_statements",
    boolean,
    "true",
    "Keep parsed statements; false for a pooler that cannot",
  ),

  dataDir: setting("data_dir", path, ".data", "Folder of the embedded database, relative to the project"),
  demoData: setting("demo_data", boolean, "true", "Fill an empty embedded database with demo concerts"),
};

/** The settings in the order in which they are documented. */
export const settingList: readonly Setting[] = Object.values(settings);

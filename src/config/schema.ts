import { sslModes } from "../domain/ssl-mode.ts";
import type { Kind } from "./kinds.ts";
import {
  algorithms,
  bindAddress,
  boolean,
  choice,
  claimNames,
  databaseHost,
  databaseUrl,
  duration,
  headerNames,
  httpUrl,
  integer,
  networks,
  origins,
  path,
  pause,
  publicKeyPem,
  redisUrl,
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

const authModes = ["none", "dev", "jwt"] as const;
const callsPerMinute = integer(0, 1_000_000_000);

/** Every setting there is. The readers, the help, the example file and the README's table all follow this one. */
export const settings = {
  host: setting("host", bindAddress, "0.0.0.0", "Address that both ports listen on; 127.0.0.1 until auth.mode is set"),
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
  shutdownDelay: setting("shutdown_delay", pause, "0s", "How long a shutdown serves new calls with readiness down"),
  shutdownTimeout: setting("shutdown_timeout", duration, "20s", "How long a shutdown waits for calls in flight"),
  maxBodyBytes: setting("max_body_bytes", integer(1024, 16_777_216), "65536", "Largest request body, in bytes"),
  maxHeaderBytes: setting("max_header_bytes", integer(4096, 65_536), "16384", "Largest headers of a request, in bytes"),
  maxConcurrentStreams: setting(
    "max_concurrent_streams",
    integer(1, 10_000),
    "250",
    "Most calls at once on one connection",
  ),
  maxConnections: setting(
    "max_connections",
    integer(1, 1_000_000),
    "10000",
    "Most connections at once, on both ports together",
  ),
  maxConnectionsPerAddress: setting(
    "max_connections_per_address",
    integer(1, 1_000_000),
    "1000",
    "Most connections at once from one address, or IPv6 /64",
  ),
  headersTimeout: setting("headers_timeout", duration, "10s", "How long a request's headers may take to arrive"),
  bodyTimeout: setting("body_timeout", duration, "30s", "How long a request may take to arrive, or an answer stall"),
  idleTimeout: setting("idle_timeout", duration, "75s", "How long a connection may be idle between calls"),
  trustedProxies: setting("trusted_proxies", networks, undefined, "Proxies that speak for many, by X-Forwarded-For"),
  corsOrigins: setting("cors_origins", origins, "*", "Origins whose pages may call the API"),
  corsAllowedHeaders: setting(
    "cors_allowed_headers",
    headerNames,
    undefined,
    "Further request headers that such pages may send",
  ),
  lockTimeout: setting("lock_timeout", duration, "3s", "How long a statement waits for a row lock"),
  statementTimeout: setting("statement_timeout", duration, "5s", "How long a database statement may run"),

  authMode: setting("auth.mode", choice(authModes), "none", "How callers say who they are: not at all, or by tokens"),
  authIssuer: setting("auth.issuer", text, undefined, "Whose tokens count: their claim iss"),
  authAudience: setting("auth.audience", text, undefined, "For whom tokens must be: their claim aud"),
  authJwksUrl: setting("auth.jwks_url", httpUrl, undefined, "Where the issuer publishes its keys (JSON Web Key Set)"),
  authPublicKey: setting("auth.public_key", publicKeyPem, undefined, "The issuer's key itself, in place of a URL"),
  authAlgorithms: setting(
    "auth.algorithms",
    algorithms,
    "RS256,PS256,ES256,EdDSA",
    "Signature algorithms that tokens may have",
  ),
  authClockTolerance: setting("auth.clock_tolerance", duration, "5s", "By how much the issuer's clock may differ"),
  authScopeClaim: setting("auth.scope_claim", claimNames, "scope", "Claims that hold a token's scopes"),

  rateLimitReads: setting(
    "rate_limit.reads",
    callsPerMinute,
    "1200",
    "Reads a caller may make a minute; 0 for no limit",
  ),
  rateLimitBookings: setting(
    "rate_limit.bookings",
    callsPerMinute,
    "120",
    "Bookings and cancels a caller may make a minute; 0 for no limit",
  ),
  rateLimitAdmin: setting(
    "rate_limit.admin",
    callsPerMinute,
    "120",
    "Changes of concerts a caller may make a minute; 0 for no limit",
  ),
  rateLimitAddressFactor: setting(
    "rate_limit.address_factor",
    integer(0, 1_000_000),
    "20",
    "Callers' budgets an address has, for all without a token; 0 for no limit",
  ),
  maxUnfinishedPerCaller: setting(
    "max_unfinished_per_caller",
    integer(1, 1_000_000),
    "20",
    "Most bookings and cancels one caller may have unfinished",
  ),
  maxStreams: setting("max_streams", integer(1, 1_000_000), "5000", "Most streams of responses open at once"),
  maxStreamsPerCaller: setting(
    "max_streams_per_caller",
    integer(1, 1_000_000),
    "20",
    "Most streams of responses one caller may have open",
  ),
  redisUrl: setting("redis_url", redisUrl, undefined, "Redis server through which instances share their counts"),

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
    "Certificate authorities (PEM) to trust under verify-ca and verify-full",
  ),
  databasePoolSize: setting(
    "database.pool_size",
    integer(1, 200),
    "10",
    "Most database connections, plus two aside; below 3 none is kept for organizers",
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

/** The one table of settings. The sources, `Config`, the help, the example file and docs/configuration.md derive from it. */
import { sslModes } from "../domain/ssl-mode.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import * as kinds from "./kinds.ts";
import { boolean, choice, duration, durationBetween, integer, type Kind, pause } from "./kinds.ts";

/** One setting. All its names derive from its path in the YAML file. */
export interface Setting<T = unknown> {
  /** Its path in the YAML file: `database.host`. */
  readonly path: string;
  /** Its environment variable: `APP_DATABASE_HOST`. */
  readonly environmentName: string;
  /** Its flag: `--database-host`. */
  readonly flag: string;
  readonly kind: Kind<T>;
  /** Its default as an operator would write it. */
  readonly defaultText: string | undefined;
  readonly defaultValue: T;
  /** What the example file shows, if not the default. */
  readonly example: string | undefined;
  readonly description: string;
}

/** The values of some settings, by the same keys. */
export type ValuesOf<Table> = { readonly [Key in keyof Table]: Table[Key] extends Setting<infer T> ? T : never };

function setting<T>(
  path: string,
  kind: Kind<T>,
  defaultText: string,
  description: string,
  example?: string,
): Setting<T> {
  return { ...namesOf(path), kind, defaultText, defaultValue: kinds.parsed(kind, defaultText), description, example };
}

/** A setting without a default. */
function optional<T>(path: string, kind: Kind<T>, description: string, example: string): Setting<T | undefined> {
  return { ...namesOf(path), kind, defaultText: undefined, defaultValue: undefined, description, example };
}

function namesOf(path: string) {
  const words = path.split(/[._]/);
  return { path, environmentName: `APP_${words.join("_").toUpperCase()}`, flag: `--${words.join("-")}` };
}

const databaseUrl = { expects: "postgres://USERNAME:PASSWORD@HOST:PORT/NAME?sslmode=MODE", parse: parseDatabaseUrl };
const listenPort = integer(0, 65_535);
const count = integer(1, 1_000_000);
const calls = integer(0, 1_000_000_000);

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

const userIdForms = ["full", "hashed", "none"] as const;

const server = {
  host: setting("host", kinds.bindAddress, "0.0.0.0", "Address of both ports; 127.0.0.1 until auth.mode is set"),
  restPort: setting("rest_port", listenPort, "8080", "REST API port; 0 picks a free port"),
  grpcPort: setting("grpc_port", listenPort, "50051", "gRPC port; 0 picks a free port"),
  metricsPort: optional("metrics_port", listenPort, "Port of /metrics for Prometheus; off when empty", "9464"),
  metricsHost: optional("metrics_host", kinds.bindAddress, "Address of the metrics port; host when empty", "127.0.0.1"),
  logLevel: setting("log_level", choice(logLevels), "info", "Minimum level that is logged"),
  logUserIds: setting(
    "log_user_ids",
    choice(userIdForms),
    "hashed",
    "How the log names users: as they are, by a hash, or not at all",
  ),
  maxCallerTraces: setting(
    "max_caller_traces",
    integer(0, 1_000_000),
    "100",
    "Calls a second of a process that are traced because their caller wants it",
  ),
  mcp: setting("mcp", boolean, "true", "Offer the API to assistants as tools, at /mcp (Model Context Protocol)"),
  workers: setting(
    "workers",
    kinds.processes,
    "1",
    "Processes that serve; auto for one on each core, as the pool allows",
  ),
};

const booking = {
  maxTicketsPerBooking: setting("max_tickets_per_booking", integer(1, 100), "10", "Maximum tickets of one booking"),
  maxRetries: setting("max_retries", integer(0, 20), "3", "Maximum retries of a transaction after a conflict"),
  maxQueuedRequests: setting(
    "max_queued_requests",
    count,
    "10000",
    "Maximum queued changes of bookings; as many again settle holds",
  ),
};

/** The schema allows a ttl of at most a day. */
const ttl = durationBetween("1s", "24h", "90s, 10m or 1h");
const years = "87600h";

/** The settings of holds. */
export const holds = {
  holdTtlMs: setting("hold_ttl", ttl, "10m", "Time a hold lives whose request has no ttl"),
  holdTtlMaxMs: setting("hold_ttl_max", ttl, "35m", "Maximum ttl of a request"),
  holdLifetimeMs: setting(
    "hold_lifetime",
    durationBetween("1s", years, "90s, 35m or 1h"),
    "60m",
    "Maximum life of a hold, extensions included",
  ),
  lateConfirmMs: setting(
    "late_confirm",
    durationBetween("0s", years, "15m or 24h"),
    "24h",
    "Time after a hold's end to confirm it with accept_late",
  ),
  maxHoldsPerUser: setting("max_holds_per_user", integer(1, 100), "1", "Maximum holds of a user on one concert"),
  holdRetentionMs: setting(
    "hold_retention",
    durationBetween("1h", years, "24h or 720h"),
    "720h",
    "Time after which expired and released holds are deleted",
  ),
};

const timeouts = {
  requestTimeoutMs: setting("request_timeout", duration, "10s", "Deadline of a call whose client sets none"),
  headersTimeoutMs: setting("headers_timeout", duration, "10s", "Time for a request's headers to arrive"),
  bodyTimeoutMs: setting("body_timeout", duration, "30s", "Time for a request to arrive, or for a response to stall"),
  idleTimeoutMs: setting("idle_timeout", duration, "75s", "Idle time of a connection between calls"),
  shutdownDelayMs: setting("shutdown_delay", pause, "0s", "Time a shutdown serves new calls with readiness down"),
  shutdownTimeoutMs: setting("shutdown_timeout", duration, "20s", "Grace period of a shutdown for calls in flight"),
};

const connections = {
  maxBodyBytes: setting("max_body_bytes", integer(1024, 16_777_216), "65536", "Maximum bytes of a request body"),
  maxHeaderBytes: setting("max_header_bytes", integer(4096, 65_536), "16384", "Maximum bytes of a request's headers"),
  maxConcurrentStreams: setting(
    "max_concurrent_streams",
    integer(1, 10_000),
    "250",
    "Maximum concurrent calls on one connection",
  ),
  maxConnections: setting("max_connections", count, "10000", "Maximum connections on both ports together"),
  maxConnectionsPerAddress: setting(
    "max_connections_per_address",
    count,
    "1000",
    "Maximum connections from one address, or IPv6 /64",
  ),
  trustedProxies: setting("trusted_proxies", kinds.networks, "", "Proxies whose X-Forwarded-For, -Host, -Proto count"),
  corsOrigins: setting("cors_origins", kinds.origins, "*", "Origins whose pages may call the API", '"*"'),
  corsAllowedHeaders: setting("cors_allowed_headers", kinds.headerNames, "", "More request headers of such pages"),
};

/** The settings of authentication. */
export const auth = {
  mode: setting(
    "auth.mode",
    choice(["none", "dev", "jwt"]),
    "none",
    "Authentication: none, tokens of a local key (dev) or of an issuer (jwt)",
  ),
  issuer: optional("auth.issuer", kinds.text, "Required iss claim of tokens", "https://accounts.example.org"),
  audiences: optional(
    "auth.audience",
    kinds.audiences,
    "Required aud claim of tokens; with several, one of them",
    "https://tickets.example.org",
  ),
  jwksUrl: optional(
    "auth.jwks_url",
    kinds.httpUrl,
    "URL of the issuer's keys (JSON Web Key Set)",
    "https://accounts.example.org/.well-known/jwks.json",
  ),
  publicKey: optional(
    "auth.public_key",
    kinds.publicKeyPem,
    "The issuer's key, instead of a URL",
    String.raw`"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----"`,
  ),
  algorithms: setting("auth.algorithms", kinds.algorithms, "RS256,PS256,ES256,EdDSA", "Accepted signature algorithms"),
  clockToleranceMs: setting("auth.clock_tolerance", duration, "5s", "Maximum difference to the issuer's clock"),
  scopeClaims: setting("auth.scope_claim", kinds.claimNames, "scope", "Claims that hold a token's scopes"),
};

/** The rate limits, in calls a minute. */
export const rateLimits = {
  reads: setting("rate_limit.reads", calls, "1200", "Reads of a caller a minute; 0 for no limit"),
  bookings: setting(
    "rate_limit.bookings",
    calls,
    "120",
    "Bookings, holds and cancels of a caller a minute; 0 for no limit",
  ),
  settlements: setting(
    "rate_limit.settlements",
    calls,
    "1200",
    "Holds confirmed and released by a caller a minute; 0 for no limit",
  ),
  admin: setting("rate_limit.admin", calls, "120", "Concerts created and updated by a caller a minute; 0 for no limit"),
  callersPerAddress: setting(
    "rate_limit.address_factor",
    integer(0, 1_000_000),
    "20",
    "An anonymous address's limits, as a multiple of a caller's; 0 for no limit",
  ),
};

const concurrency = {
  maxUnfinishedPerCaller: setting(
    "max_unfinished_per_caller",
    count,
    "20",
    "Maximum unfinished bookings, holds and cancels of a caller",
  ),
  maxStreams: setting("max_streams", count, "5000", "Maximum open response streams"),
  maxStreamsPerCaller: setting("max_streams_per_caller", count, "20", "Maximum open response streams of a caller"),
  redisUrl: optional(
    "redis_url",
    kinds.redisUrl,
    "Redis server through which instances share their rate limits",
    "redis://localhost:6379",
  ),
};

/** The settings that choose the database. */
export const database = {
  url: optional(
    "database.url",
    databaseUrl,
    "Database as one URL; wins over the settings below",
    "postgres://postgres:postgres@localhost:5432/concert_tickets?sslmode=disable",
  ),
  host: optional("database.host", kinds.databaseHost, "Database host; localhost if only others are set", "localhost"),
  port: setting("database.port", integer(1, 65_535), "5432", "Database port"),
  username: setting("database.username", kinds.text, "postgres", "Database user"),
  password: setting("database.password", kinds.secret, "postgres", "Password of the database user"),
  name: setting("database.name", kinds.text, "concert_tickets", "Database name"),
  sslMode: setting("database.sslmode", choice(sslModes), "disable", "TLS to the database, as libpq's sslmode"),
  sslCaFile: optional(
    "database.ssl_ca_file",
    kinds.path,
    "PEM file of authorities for verify-ca and verify-full, relative to the project",
    "config/ca.pem",
  ),
};

const databaseUse = {
  databasePoolSize: setting(
    "database.pool_size",
    integer(1, 200),
    "10",
    "Connections of all workers, plus two each; below 3 each none is for organizers",
  ),
  databasePreparedStatements: setting(
    "database.prepared_statements",
    boolean,
    "true",
    "Use prepared statements; false for a pooler without them",
  ),
  lockTimeoutMs: setting("lock_timeout", duration, "3s", "Time a statement waits for a row lock"),
  statementTimeoutMs: setting("statement_timeout", duration, "5s", "Time a database statement may run"),
};

const dataDir = setting("data_dir", kinds.path, ".data", "Folder of the embedded database, relative to the project");

/** Set apart from the other fields, because only an embedded database has demo data. */
export const demoData = setting("demo_data", boolean, "true", "Fill an empty embedded database with demo concerts");

/** The settings that are fields of `Config` as they are, each by its key. */
export const fields = {
  ...server,
  ...booking,
  ...holds,
  ...timeouts,
  ...connections,
  ...concurrency,
  ...databaseUse,
  dataDir,
};

/** All settings in the order in which they are documented, by the titles of their sections. */
export const sections: Readonly<Record<string, readonly Setting[]>> = {
  "Ports and log": Object.values(server),
  Booking: Object.values(booking),
  Holds: Object.values(holds),
  Database: [database, databaseUse].flatMap((table) => Object.values<Setting>(table)),
  "Embedded database": [dataDir, demoData],
  Authentication: Object.values<Setting>(auth),
  "Rate limits": [rateLimits, concurrency].flatMap((table) => Object.values<Setting>(table)),
  Timeouts: Object.values(timeouts),
  Connections: Object.values<Setting>(connections),
};

/** All settings, in the same order. */
export const settingList: readonly Setting[] = Object.values(sections).flat();

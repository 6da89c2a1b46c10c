import { describe, expect, test } from "vitest";
import { defaultFile, load, problemsOf, projectRoot, type Sources } from "../../test/support/unit/config-sources.ts";
import { type Config, loadConfig } from "./load.ts";
import { fields, settingList } from "./schema.ts";

const rateLimits = { reads: 1_200, bookings: 120, settlements: 1_200, admin: 120, callersPerAddress: 20 };

const defaults: Config = {
  command: "serve",
  host: "127.0.0.1",
  whyLoopback: expect.stringContaining("loopback only"),
  restPort: 8080,
  grpcPort: 50051,
  tracing: undefined,
  logLevel: "info",
  metricsPort: undefined,
  metricsHost: undefined,
  logUserIds: "hashed",
  maxCallerTraces: 100,
  mcp: true,
  workers: 1,
  maxRetries: 3,
  maxTicketsPerBooking: 10,
  maxQueuedRequests: 10_000,
  holdTtlMs: 600_000,
  holdTtlMaxMs: 2_100_000,
  holdLifetimeMs: 3_600_000,
  lateConfirmMs: 86_400_000,
  maxHoldsPerUser: 1,
  holdRetentionMs: 2_592_000_000,
  requestTimeoutMs: 10_000,
  shutdownDelayMs: 0,
  shutdownTimeoutMs: 20_000,
  lockTimeoutMs: 3000,
  statementTimeoutMs: 5000,
  maxBodyBytes: 65_536,
  maxHeaderBytes: 16_384,
  maxConcurrentStreams: 250,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 1000,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleTimeoutMs: 75_000,
  trustedProxies: [],
  corsOrigins: "*",
  corsAllowedHeaders: [],
  auth: { mode: "none" },
  rateLimits,
  maxUnfinishedPerCaller: 20,
  maxStreams: 5_000,
  maxStreamsPerCaller: 20,
  redisUrl: undefined,
  dataDir: "/srv/frontrow/.data",
  database: { kind: "embedded", dataDir: "/srv/frontrow/.data", demoData: true },
  databasePoolSize: 10,
  databasePreparedStatements: true,
  waitForDbMs: undefined,
};

const key = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
const pem = `-----BEGIN PUBLIC KEY-----\\n${key}\\n-----END PUBLIC KEY-----`;

const external = {
  kind: "external",
  host: "localhost",
  port: 5432,
  username: "postgres",
  password: "postgres",
  name: "concert_tickets",
  sslMode: "disable",
} as const;

test("uses the defaults and the embedded database when nothing is set", () => {
  expect(load({})).toEqual({ config: defaults, warnings: [] });
});

describe("names and defaults are those of the requirement", () => {
  test.each([
    ["APP_LOG_LEVEL", "info"],
    ["APP_REST_PORT", "8080"],
    ["APP_GRPC_PORT", "50051"],
    ["APP_MAX_RETRIES", "3"],
    ["APP_DATABASE_HOST", undefined],
    ["APP_DATABASE_PORT", "5432"],
    ["APP_DATABASE_USERNAME", "postgres"],
    ["APP_DATABASE_PASSWORD", "postgres"],
    ["APP_DATABASE_NAME", "concert_tickets"],
    ["APP_DATABASE_SSLMODE", "disable"],
  ])("%s with default %s", (environmentName, defaultText) => {
    expect(settingList.find((setting) => setting.environmentName === environmentName)).toMatchObject({ defaultText });
  });

  test("derives the environment name and the flag from the path", () => {
    const { path, environmentName, flag } = fields.databasePoolSize;
    expect([path, environmentName, flag]).toEqual([
      "database.pool_size",
      "APP_DATABASE_POOL_SIZE",
      "--database-pool-size",
    ]);
  });
});

describe("precedence: flags, environment, file, defaults", () => {
  const yaml = "rest_port: 1";
  const env = { APP_REST_PORT: "2" };
  test.each<[string, Sources, number]>([
    ["the default", {}, 8080],
    ["the file", { yaml }, 1],
    ["the environment before the file", { yaml, env }, 2],
    ["a flag before all", { yaml, env, argv: ["--rest-port", "3"] }, 3],
    ["the last of a repeated flag", { argv: ["--rest-port", "3", "--rest-port=4"] }, 4],
    ["an empty variable counts as unset", { yaml, env: { APP_REST_PORT: "" } }, 1],
    ["an undefined variable counts as unset", { yaml, env: { APP_REST_PORT: undefined } }, 1],
    ["a null in the file counts as unset", { yaml: "rest_port:" }, 8080],
    ["port 0 lets the system pick", { env: { APP_REST_PORT: "0" } }, 0],
  ])("%s", (_, sources, restPort) => {
    expect(load(sources).config.restPort).toBe(restPort);
  });
});

const settingCases: [path: string, text: string, expected: Partial<Config>][] = [
  ["host", "::1", { host: "::1" }],
  ["rest_port", "65535", { restPort: 65_535 }],
  ["grpc_port", "0", { grpcPort: 0 }],
  ["metrics_port", "9464", { metricsPort: 9464 }],
  ["metrics_host", "10.0.0.7", { metricsHost: "10.0.0.7" }],
  ["log_level", "silent", { logLevel: "silent" }],
  ["log_user_ids", "none", { logUserIds: "none" }],
  ["max_caller_traces", "0", { maxCallerTraces: 0 }],
  ["mcp", "false", { mcp: false }],
  ["workers", "3", { workers: 3 }],
  ["max_tickets_per_booking", "100", { maxTicketsPerBooking: 100 }],
  ["max_retries", "0", { maxRetries: 0 }],
  ["max_queued_requests", "5", { maxQueuedRequests: 5 }],
  ["request_timeout", "250ms", { requestTimeoutMs: 250 }],
  ["shutdown_delay", "5s", { shutdownDelayMs: 5_000 }],
  ["shutdown_timeout", "1m", { shutdownTimeoutMs: 60_000 }],
  ["max_body_bytes", "1024", { maxBodyBytes: 1024 }],
  ["max_header_bytes", "32768", { maxHeaderBytes: 32_768 }],
  ["max_concurrent_streams", "100", { maxConcurrentStreams: 100 }],
  ["max_connections", "500", { maxConnections: 500 }],
  ["max_connections_per_address", "50", { maxConnectionsPerAddress: 50 }],
  ["headers_timeout", "5s", { headersTimeoutMs: 5000 }],
  ["body_timeout", "1m", { bodyTimeoutMs: 60_000 }],
  ["idle_timeout", "2m", { idleTimeoutMs: 120_000 }],
  ["trusted_proxies", "10.0.0.0/8,::1", { trustedProxies: ["10.0.0.0/8", "::1"] }],
  ["cors_origins", "*", { corsOrigins: "*" }],
  ["cors_allowed_headers", "X-Tenant,X-B3-TraceId", { corsAllowedHeaders: ["X-Tenant", "X-B3-TraceId"] }],
  ["lock_timeout", "10m", { lockTimeoutMs: 600_000 }],
  ["statement_timeout", "1ms", { statementTimeoutMs: 1 }],
  ["auth.mode", "none", { host: "0.0.0.0", whyLoopback: undefined }],
  ["auth.issuer", "https://accounts.example.org", {}],
  ["auth.audience", "tickets", {}],
  ["auth.jwks_url", "https://accounts.example.org/keys", {}],
  ["auth.public_key", pem, {}],
  ["auth.algorithms", "ES256", {}],
  ["auth.clock_tolerance", "1s", {}],
  ["auth.scope_claim", "scp,roles", {}],
  ["hold_ttl", "90s", { holdTtlMs: 90_000 }],
  ["hold_ttl_max", "1h", { holdTtlMaxMs: 3_600_000 }],
  ["hold_lifetime", "48h", { holdLifetimeMs: 172_800_000 }],
  ["late_confirm", "0s", { lateConfirmMs: 0 }],
  ["max_holds_per_user", "100", { maxHoldsPerUser: 100 }],
  ["hold_retention", "87600h", { holdRetentionMs: 315_360_000_000 }],
  ["rate_limit.reads", "0", { rateLimits: { ...rateLimits, reads: 0 } }],
  ["rate_limit.bookings", "7", { rateLimits: { ...rateLimits, bookings: 7 } }],
  ["rate_limit.settlements", "9", { rateLimits: { ...rateLimits, settlements: 9 } }],
  ["rate_limit.admin", "8", { rateLimits: { ...rateLimits, admin: 8 } }],
  ["rate_limit.address_factor", "0", { rateLimits: { ...rateLimits, callersPerAddress: 0 } }],
  ["max_unfinished_per_caller", "1", { maxUnfinishedPerCaller: 1 }],
  ["max_streams", "3", { maxStreams: 3 }],
  ["max_streams_per_caller", "2", { maxStreamsPerCaller: 2 }],
  ["redis_url", "redis://:secret@cache:6380/1", { redisUrl: "redis://:secret@cache:6380/1" }],
  ["database.url", "postgres://db", { database: { ...external, host: "db" } }],
  ["database.host", "db", { database: { ...external, host: "db" } }],
  ["database.port", "6432", { database: { ...external, port: 6432 } }],
  ["database.username", "ann", { database: { ...external, username: "ann" } }],
  ["database.password", "0123", { database: { ...external, password: "0123" } }],
  ["database.name", "1e3", { database: { ...external, name: "1e3" } }],
  ["database.sslmode", "verify-full", { database: { ...external, sslMode: "verify-full" } }],
  ["database.ssl_ca_file", "ca.pem", {}],
  ["database.pool_size", "200", { databasePoolSize: 200 }],
  ["database.prepared_statements", "false", { databasePreparedStatements: false }],
  [
    "data_dir",
    "other",
    {
      dataDir: "/srv/frontrow/other",
      database: { kind: "embedded", dataDir: "/srv/frontrow/other", demoData: true },
    },
  ],
  ["demo_data", "false", { database: { kind: "embedded", dataDir: "/srv/frontrow/.data", demoData: false } }],
];

describe("every setting can be set by each source", () => {
  test.each(settingCases)("%s = %s", (path, text, expected) => {
    const setting = settingList.find((one) => one.path === path);
    const [name = "", section] = path.split(".").reverse();
    // Unquoted where YAML allows it: what looks like a number must arrive as it was written.
    const value = text === "*" ? '"*"' : text;
    const sources: Sources[] = [
      { argv: [setting?.flag ?? "", text] },
      { argv: [`${setting?.flag}=${text}`] },
      { env: { [setting?.environmentName ?? ""]: text } },
      { yaml: path === name ? `${path}: ${value}` : `${section}:\n  ${name}: ${value}` },
    ];
    // Some mean something only beside others.
    const warnings = section === "auth" ? expect.any(Array) : [];
    for (const source of sources) expect(load(source)).toEqual({ config: { ...defaults, ...expected }, warnings });
  });

  test("the cases above cover every setting", () => {
    expect(settingCases.map(([path]) => path).sort()).toEqual(settingList.map(({ path }) => path).sort());
  });
});

test("only warns of an unknown name in the environment", () => {
  const env = { APP_DATABSE_HOST: "db", APP_PORT: "1", APP_TEST_DATABASE_URL: "x", PORT: "1", MY_APP_HOST: "x" };
  expect(load({ env })).toEqual({
    config: defaults,
    warnings: [
      "APP_DATABSE_HOST is unknown and ignored; did you mean APP_DATABASE_HOST?",
      "APP_PORT is unknown and ignored",
    ],
  });
});

describe("the configuration file", () => {
  const files = { "etc/frontrow.yaml": "rest_port: 7", [defaultFile]: "rest_port: 1" };

  test.each([["--config"], ["--config="]])("replaces the default file if it is named (%s)", (flag) => {
    const argv = flag.endsWith("=") ? [`${flag}etc/frontrow.yaml`] : [flag, "etc/frontrow.yaml"];
    expect(load({ argv, files }).config.restPort).toBe(7);
  });

  test("must exist if it is named", () => {
    expect(problemsOf({ argv: ["--config", "nowhere.yaml"] })).toEqual(['--config: "nowhere.yaml" does not exist']);
  });

  test("is named in problems as it is in --config", () => {
    const argv = ["--config", "/etc/frontrow.yaml"];
    expect(problemsOf({ argv, files: { "/etc/frontrow.yaml": "bogus: 1" } })).toEqual([
      "/etc/frontrow.yaml: bogus is unknown",
    ]);
  });

  test("is one problem among others if it cannot be read", () => {
    const readFile = (): never => {
      throw new Error("EACCES: permission denied");
    };
    const env = { APP_REST_PORT: "a" };
    expect(() => loadConfig({ argv: [], env, readFile, projectRoot })).toThrow(
      /^config\/config\.yaml: cannot be read: EACCES: permission denied\nAPP_REST_PORT: "a" is not a whole number/,
    );
  });
});

describe("help and version", () => {
  test.each([
    [["--help"], "help"],
    [["-h", "--migrate"], "help"],
    [["--version"], "version"],
    [["--version", "--help"], "help"],
  ])("%j works with a broken configuration", (argv, command) => {
    const sources = { argv: [...argv, "--bogus", "--rest-port=a"], env: { APP_REST_PORT: "b" }, yaml: "{" };
    expect(load(sources)).toEqual({ config: { ...defaults, command }, warnings: [] });
  });
});

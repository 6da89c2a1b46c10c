import "./src/node-version.js";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Workers and the processes that tests start load the same packages. The cache halves the time that a start takes.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules", ".cache", "node");

/** Files of a worker share the modules that they import: loading them anew takes a second a file. */
const shared = { isolate: false };
const database = {
  globalSetup: ["test/support/database/global-setup.ts"],
  setupFiles: ["test/support/setup.ts"],
};
const integration = { ...shared, ...database, testTimeout: 30_000, hookTimeout: 60_000 };

/**
 * What reads and writes bookings, concerts, their lists and the audit trail. Without `constraints`, since a partition's
 * constraints have other names; `holds-migration`, which makes its own tables; and the matrices of protocols, permissions and
 * bad input, which send the same statements once more.
 */
const onPartitionedTables = [
  ...["audit", "audit-*", "booking-*", "catalogue", "engine*", "hold-*", "idempotency", "idempotency-concerts"],
  ...["idempotency-holds", "injection", "inventory", "list-from-now", "lost-commit", "lost-commit-concerts", "model*"],
  ...["preconditions*", "query-values", "races", "races-holds", "rest-holds", "reused-ids", "round-trip", "search"],
  ...["search-limits", "store-events", "transactions"],
].map((name) => `test/${name}.test.ts`);
/** The project exists only in a run whose test database has such tables: its files would pass on others, too. */
const partitioned =
  process.env.APP_TEST_TABLES === "partitioned"
    ? [{ test: { name: "partitioned", include: onPartitionedTables, ...integration } }]
    : [];

/** What would pass PgBouncer by, or needs what it does not have. */
const notPooled = [
  // Separate servers, poolers and databases.
  ...["backup", "database-tls", "document-*", "pooler", "search-migration"],
  // Separate roles: this PgBouncer logs in as one role.
  ...["audit-operations", "own-database", "start-errors"],
  // Sessions of the service: how many there are, what is set in them, and how they end.
  ...["demoted-primary", "lifecycle", "store-events"],
];
/** The transport's tests: half of the time, for statements that the others send as well. `-- --all` runs them, too. */
const ofTransport = [
  ...["abuse*", "bad-input*", "bench-verify", "both-paths", "constraints", "documents"],
  ...["fast-path*", "forwarded-for"],
  ...["grpc-web-text", "http2*", "limits", "metrics-server", "mount", "old-client", "overload"],
  ...["protocol-reflection", "rate-limits*", "refused-bodies", "request-id", "rest-calls", "server*", "streams*"],
  ...["mcp*", "tokens*", "tracing", "transcoding*"],
];
const outOfPool = process.env.APP_TEST_POOLED === "all" ? notPooled : [...notPooled, ...ofTransport];
/** The project exists only in a run with a PgBouncer before its databases. */
const pooled =
  process.env.APP_TEST_POOLER === "pgbouncer"
    ? [
        {
          test: {
            name: "pgbouncer",
            include: ["test/*.test.ts", "test/pgbouncer/*.test.ts"],
            exclude: outOfPool.map((name) => `test/${name}.test.ts`),
            ...integration,
          },
        },
      ]
    : [];

export default defineConfig({
  test: {
    // Three on two cores: tests wait for processes and databases a third of the time.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "src/**/*.test.ts",
            "packages/*/src/**/*.test.ts",
            "bench/**/*.test.ts",
            "scripts/**/*.test.ts",
            "sdk/typescript/test/*.test.ts",
          ],
          ...shared,
        },
      },
      { test: { name: "integration", include: ["test/*.test.ts"], ...integration } },
      ...partitioned,
      ...pooled,
      // Some of these replace modules, which must not reach another file: they are isolated.
      { test: { name: "packages", include: ["packages/*/test/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 } },
      { test: { name: "load", include: ["test/load/*.test.ts"], ...integration, sequence: { groupOrder: 1 } } },
      { test: { name: "faults", include: ["test/faults/*.test.ts"], ...integration } },
      // It starts its servers itself.
      {
        test: {
          name: "failover",
          include: ["test/failover/*.test.ts"],
          setupFiles: database.setupFiles,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "clients",
          include: ["test/clients/*.test.ts"],
          ...database,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "deploy",
          include: ["test/deploy/*.test.ts"],
          globalSetup: ["test/deploy/support/global-setup.ts"],
          setupFiles: ["test/support/setup.ts"],
          ...shared,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "openapi",
          include: ["test/openapi/*.test.ts"],
          ...database,
          globalSetup: ["test/openapi/support/global-setup.ts"],
          ...shared,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "docs",
          include: ["test/docs/*.test.ts"],
          ...database,
          // `npm ci`, and Go's compiler with an empty cache.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "fuzz",
          include: ["test/fuzz/*.test.ts"],
          ...database,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "scale",
          include: ["test/scale/*.test.ts"],
          ...database,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});

import { expect, test } from "vitest";
import { load, problemsOf } from "../../test/support/unit/config-sources.ts";

test("one process serves by default", () => {
  expect(load({}).config.workers).toBe(1);
  expect(load({ env: { APP_WORKERS: "3" } }).config.workers).toBe(3);
});

test.each([
  { cores: 2, pool: "10", workers: 2 },
  { cores: 16, pool: "10", workers: 3 },
  { cores: 16, pool: "48", workers: 16 },
  { cores: 16, pool: "47", workers: 15 },
  { cores: 4, pool: "2", workers: 1 },
  { cores: 128, pool: "200", workers: 64 },
])("auto is $workers workers on $cores cores with a pool of $pool, without a warning", ({ cores, pool, workers }) => {
  const { config, warnings } = load({ env: { APP_WORKERS: "auto", APP_DATABASE_POOL_SIZE: pool }, cores });
  expect(config.workers).toBe(workers);
  expect(warnings).toEqual([]);
});

test("auto works with the pool's default on a machine with many cores", () => {
  expect(load({ env: { APP_WORKERS: "auto" }, cores: 96 }).config.workers).toBe(3);
});

test.each(["0", "65", "two", "-1", "1.5", "AUTO"])("rejects %s workers", (text) => {
  expect(problemsOf({ env: { APP_WORKERS: text } })).toEqual([
    `APP_WORKERS: "${text}" is not a whole number between 1 and 64, or auto`,
  ]);
});

test("rejects a pool with less than a connection for each worker, in the spelling of its source", () => {
  const problem = "(3) is less than APP_WORKERS (4): each worker needs a connection";
  expect(problemsOf({ env: { APP_WORKERS: "4", APP_DATABASE_POOL_SIZE: "3" } })).toEqual([
    `APP_DATABASE_POOL_SIZE ${problem}`,
  ]);
  expect(problemsOf({ env: { APP_WORKERS: "4" }, argv: ["--database-pool-size=3"] })).toEqual([
    `--database-pool-size ${problem}`,
  ]);
});

test.each([
  { workers: "4", pool: "11", share: 2 },
  { workers: "2", pool: "2", share: 1 },
])(
  "warns of a pool of $pool for $workers workers: no connection is left for organizers",
  ({ workers, pool, share }) => {
    expect(load({ env: { APP_WORKERS: workers, APP_DATABASE_POOL_SIZE: pool } }).warnings).toEqual([
      `APP_DATABASE_POOL_SIZE (${pool}) gives each of ${workers} workers ${share}: below 3 none is reserved for organizers; ` +
        `set ${3 * Number(workers)} or more`,
    ]);
  },
);

test("does not warn of a pool that suffices, nor of a small one of a single process", () => {
  expect(load({ env: { APP_WORKERS: "4", APP_DATABASE_POOL_SIZE: "12" } }).warnings).toEqual([]);
  expect(load({ env: { APP_DATABASE_POOL_SIZE: "1" } }).warnings).toEqual([]);
});

/** The metrics of several processes, which the primary serves as those of one. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { endChildren } from "./support/process/child-process.ts";
import { openProgram } from "./support/process/program.ts";
import { workerPids } from "./support/process/worker-pids.ts";
import { scrape, scrapeUntil } from "./support/service/metrics.ts";
import { testEnvironment } from "./support/service/service.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const calls = { method: "ListConcerts", code: "OK" };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await endChildren();
  await database.drop();
});

async function openWorkers() {
  const settings = {
    APP_WORKERS: "2",
    APP_METRICS_PORT: "0",
    APP_MAX_QUEUED_REQUESTS: "1000",
    APP_MAX_CONNECTIONS: "80",
  };
  const service = await openProgram(testEnvironment(database.url, settings), [], { logLevel: "debug" });
  const { metricsPort } = JSON.parse(await service.line('"metricsPort"'));
  /** Lists the concerts over a new connection, which the primary passes to the next worker. */
  const list = async () => {
    const response = await fetch(`${service.baseUrl}/api/v1/concerts`, { headers: { Connection: "close" } });
    expect(response.status).toBe(200);
  };
  return { service, list, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` };
}

test("a scrape has the sum of the workers, each limit once, and is ready", async () => {
  const { service, list, metricsUrl } = await openWorkers();
  await using _ = service;
  for (let call = 0; call < 6; call++) await list();
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_calls_total", calls)).toBe(6));
  const served = service.lines.filter((line) => line.includes('"msg":"call"')).map((line) => JSON.parse(line).worker);
  expect(new Set(served)).toEqual(new Set([1, 2]));
  const found = await scrape(metricsUrl);
  expect(found.value("frontrow_call_duration_seconds_count", { method: "ListConcerts" })).toBe(6);
  expect(found.value("frontrow_workers", { state: "running" })).toBe(2);
  expect(found.value("frontrow_worker_restarts_total")).toBe(0);
  expect(found.value("frontrow_ready")).toBe(1);
  expect(found.value("frontrow_database_up")).toBe(1);
  expect(found.value("frontrow_queue_limit")).toBe(1_000);
  expect(found.value("frontrow_connections_limit")).toBe(80);
  expect(found.value("frontrow_build_info")).toBe(1);
  await scrapeUntil(metricsUrl, (later) =>
    expect(later.value("frontrow_inventory_last_pass_timestamp_seconds")).toBeGreaterThan(0),
  );
  expect(await service.stop()).toBe(0);
});

test("a worker that dies takes no call out of the sum, and its replacement is a restart", async () => {
  const { service, list, metricsUrl } = await openWorkers();
  await using _ = service;
  for (let call = 0; call < 4; call++) await list();
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_calls_total", calls)).toBe(4));
  process.kill(workerPids(service)[0] ?? 0, "SIGKILL");
  await scrapeUntil(metricsUrl, (found) => {
    expect(found.value("frontrow_worker_restarts_total")).toBe(1);
    expect(found.value("frontrow_workers")).toBe(2);
  });
  expect((await scrape(metricsUrl)).value("frontrow_calls_total", calls)).toBe(4);
  for (let call = 0; call < 4; call++) await list();
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_calls_total", calls)).toBe(8));
  expect(await service.stop()).toBe(0);
});

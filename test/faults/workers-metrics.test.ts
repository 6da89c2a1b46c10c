/** The metrics of several processes, which the primary serves as those of one. */
import { expect, test, vi } from "vitest";
import { holdConcert } from "../support/database/locks.ts";
import { useTwoWorkers } from "../support/process/two-workers.ts";
import { callUntilBothAnswer, childPids, pidOfWorker } from "../support/process/worker-pids.ts";
import { scrape, scrapeUntil } from "../support/service/metrics.ts";
import type { Settings } from "../support/service/service.ts";
import { createStage } from "../support/service/stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const wait = { timeout: 20_000, interval: 10 };
const calls = { method: "ListConcerts", code: "OK" };

const { database, open } = useTwoWorkers();

async function openWorkers(given: Settings = {}) {
  const settings = {
    ...given,
    APP_METRICS_PORT: "0",
    APP_MAX_QUEUED_REQUESTS: "1000",
    APP_MAX_CONNECTIONS: "80",
  };
  const service = await open(settings);
  const { metricsPort } = JSON.parse(await service.line('"metricsPort"'));
  /** Lists the concerts over a new connection, for which the system chooses a worker. */
  const list = async () => {
    const response = await fetch(`${service.baseUrl}/api/v1/concerts`, { headers: { Connection: "close" } });
    expect(response.status).toBe(200);
  };
  return { service, list, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` };
}

test("a scrape has the sum of the workers, each limit once, and is ready", async () => {
  const { service, list, metricsUrl } = await openWorkers();
  await using _ = service;
  const made = await callUntilBothAnswer(service, list);
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_calls_total", calls)).toBe(made));
  const found = await scrape(metricsUrl);
  expect(found.value("frontrow_call_duration_seconds_count", { method: "ListConcerts" })).toBe(made);
  expect(found.value("frontrow_workers", { state: "configured" })).toBe(2);
  expect(found.value("frontrow_workers", { state: "running" })).toBe(2);
  expect(found.value("frontrow_worker_restarts_total")).toBe(0);
  expect(found.value("frontrow_ready")).toBe(1);
  expect(found.value("frontrow_database_up")).toBe(1);
  expect(found.value("frontrow_queue_limit")).toBe(1_000);
  expect(found.value("frontrow_connections_limit")).toBe(80);
  expect(found.value("frontrow_build_info")).toBe(1);
  await scrapeUntil(metricsUrl, (later) => {
    expect(later.value("frontrow_workers", { state: "silent" })).toBe(0);
    expect(later.value("frontrow_inventory_last_pass_timestamp_seconds")).toBeGreaterThan(0);
  });
  expect(await service.stop()).toBe(0);
});

test("a worker that dies takes no call out of the sum, and its replacement is a restart", async () => {
  const { service, list, metricsUrl } = await openWorkers();
  await using _ = service;
  const made = await callUntilBothAnswer(service, list);
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_calls_total", calls)).toBe(made));
  process.kill(pidOfWorker(service, 1), "SIGKILL");
  await scrapeUntil(metricsUrl, (found) => {
    expect(found.value("frontrow_worker_restarts_total")).toBe(1);
    expect(found.value("frontrow_workers", { state: "running" })).toBe(2);
  });
  expect((await scrape(metricsUrl)).value("frontrow_calls_total", calls)).toBe(made);
  await list();
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_calls_total", calls)).toBe(made + 1));
  expect(await service.stop()).toBe(0);
});

test("a worker that hangs is silent, takes no call out of the scrape, and is replaced", async () => {
  const { service, list, metricsUrl } = await openWorkers();
  await using _ = service;
  const made = await callUntilBothAnswer(service, list);
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_calls_total", calls)).toBe(made));
  const replaced = service.nextLine("a worker process serves");
  process.kill(pidOfWorker(service, 1), "SIGSTOP");
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_workers", { state: "silent" })).toBe(1));
  const found = await scrape(metricsUrl);
  expect(found.value("frontrow_workers", { state: "running" })).toBe(2);
  expect(found.value("frontrow_calls_total", calls)).toBe(made);
  expect(service.output()).toContain("workers did not answer in time for a scrape");
  await replaced;
  const line = service.lines.find((each) => each.includes("a worker process has given no sign of life for 10 seconds"));
  expect(JSON.parse(line ?? "{}")).toMatchObject({ level: "error", worker: 1 });
  await scrapeUntil(metricsUrl, (later) => {
    expect(later.value("frontrow_workers", { state: "silent" })).toBe(0);
    expect(later.value("frontrow_calls_total", calls)).toBe(made);
  });
  expect(await service.stop()).toBe(0);
});

test("a scrape during a drain has the sum of the workers, also of one that has ended", async () => {
  const { service, list, metricsUrl } = await openWorkers({ APP_STATEMENT_TIMEOUT: "30s", APP_LOCK_TIMEOUT: "30s" });
  await using _ = service;
  const made = await callUntilBothAnswer(service, list);
  const concert = await createStage(service.baseUrl).concert();
  const lock = await holdConcert(database(), concert.id);
  const booking = fetch(`${service.baseUrl}/api/v1/bookings`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ concert_id: String(concert.id), user_id: "nora", ticket_count: 1 }),
  });
  await lock.untilInTheWay();
  await scrapeUntil(metricsUrl, (found) => expect(found.value("frontrow_calls_total", calls)).toBe(made));
  const draining = [1, 2].map((worker) => service.line(`"worker":${worker},"state":"draining"`));
  service.signal("SIGTERM");
  await Promise.all(draining);
  // The one without the booking.
  await vi.waitFor(() => expect(childPids(service.pid)).toHaveLength(1), wait);
  await scrapeUntil(metricsUrl, (found) => {
    expect(found.value("frontrow_calls_total", calls)).toBe(made);
    expect(found.value("frontrow_ready")).toBe(0);
  });
  await lock.release();
  expect((await booking).status).toBe(201);
  expect(await service.ended).toBe(0);
});

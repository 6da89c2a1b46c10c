/** The port of /metrics: requests to it, its life, and what goes wrong. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdConcert, patientSettings } from "./support/database/locks.ts";
import { openRaw } from "./support/network/raw-connection.ts";
import { startProgram } from "./support/process/program.ts";
import { scrape, scrapeUntil } from "./support/service/metrics.ts";
import { startTestService, type TestService, testEnvironment } from "./support/service/service.ts";
import { createStage, userId } from "./support/service/stage.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const on = { APP_METRICS_PORT: "0" };

describe("a service with APP_METRICS_PORT", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService(on, database);
  });
  afterAll(() => service.close());

  test("serves metrics in Prometheus's text format", async () => {
    const metrics = await scrape(service.metricsUrl);
    expect(metrics.value("frontrow_build_info", { version: "0.1.0", node: process.version })).toBe(1);
    expect(metrics.value("process_start_time_seconds")).toBeGreaterThan(0);
    expect(metrics.value("frontrow_ready")).toBe(1);
    expect(metrics.value("frontrow_workers", { state: "running" })).toBe(1);
    expect(metrics.value("frontrow_worker_restarts_total")).toBe(0);
  });

  test("answers HEAD with the headers of GET", async () => {
    const response = await fetch(service.metricsUrl, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(1_000);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toBe("");
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("answers %s with 405", async (method) => {
    const response = await fetch(service.metricsUrl, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test.each(["/", "/metrics/", "/Metrics", "/api/v1/concerts", "/livez"])("answers %s with 404", async (path) => {
    expect((await fetch(new URL(path, service.metricsUrl))).status).toBe(404);
  });

  test("takes a query, as Prometheus can be told to send one", async () => {
    await scrape(`${service.metricsUrl}?name=x`);
  });

  test("ends a connection that sends no HTTP, and serves the next scrape", async () => {
    const raw = openRaw(Number(new URL(service.metricsUrl).port));
    raw.socket.write("not http\r\n\r\n");
    await raw.waitFor("400 Bad Request");
    raw.socket.destroy();
    await scrape(service.metricsUrl);
  });

  test("has no metrics on the ports of the API", async () => {
    expect((await fetch(`${service.baseUrl}/metrics`)).status).toBe(404);
  });

  test("answers scrapes at the same time", async () => {
    const scrapes = await Promise.all(Array.from({ length: 20 }, () => scrape(service.metricsUrl)));
    for (const metrics of scrapes) expect(metrics.value("frontrow_ready")).toBe(1);
  });
});

test("a service without APP_METRICS_PORT has no port for metrics", async () => {
  await using service = await startTestService({ APP_METRICS_PORT: "" }, database);
  expect(service.metricsUrl).toContain(":undefined/");
});

test("a draining service answers scrapes until its last call has ended", async () => {
  const service = await startTestService({ ...on, ...patientSettings }, database);
  const { metricsUrl } = service;
  const stage = createStage(service.baseUrl);
  const concert = await stage.concert();
  const held = await holdConcert(database, concert.id);
  const booking = stage.booking(concert);
  await held.untilInTheWay();
  expect((await scrape(metricsUrl)).value("frontrow_calls_in_flight")).toBe(1);
  const closed = service.close();
  await scrapeUntil(metricsUrl, (metrics) => {
    expect(metrics.value("frontrow_ready")).toBe(0);
    expect(metrics.value("frontrow_calls_in_flight")).toBe(1);
  });
  await held.release();
  expect((await booking).userId).toBe(userId);
  await closed;
  await expect(fetch(metricsUrl)).rejects.toThrow("fetch failed");
});

test("the start names APP_METRICS_PORT when its port is taken, before it opens anything else", async () => {
  const rival = createServer().listen(0, "127.0.0.1");
  await once(rival, "listening");
  const { port } = rival.address() as AddressInfo;
  const nowhere = "postgres://user@127.0.0.1:1/none";
  await using program = startProgram(testEnvironment(nowhere, { APP_METRICS_PORT: String(port) }));
  expect(await program.ended).toBe(1);
  const error = `port ${port} is in use: set another by APP_METRICS_PORT`;
  const logged = JSON.parse(program.lines.find((line) => line.startsWith("{")) ?? "");
  expect([program.lines.length, logged.level, logged.error]).toEqual([2, "fatal", error]);
  expect(program.lines).toContain(`frontrow: ${error}`);
  rival.close();
});

test("the start names APP_METRICS_HOST when it is not an address of this machine", async () => {
  const settings = { ...on, APP_METRICS_HOST: "203.0.113.1" };
  await expect(startTestService(settings, database)).rejects.toThrow("set another by APP_METRICS_HOST");
});

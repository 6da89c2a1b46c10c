/** The metrics of calls: by each protocol, at the limits, of streams, and that clients cannot make labels. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createMetrics, type Metrics } from "../src/telemetry/metrics/registry.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdConcert, patientSettings } from "./support/database/locks.ts";
import { openRaw } from "./support/network/raw-connection.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { succeeded, verdict } from "./support/protocols/outcomes.ts";
import { type Protocol, protocols } from "./support/protocols/protocols.ts";
import { readMetrics, type Scrape, scrape, scrapeUntil } from "./support/service/metrics.ts";
import { type Settings, startTestService, type TestService } from "./support/service/service.ts";
import { createStage, insertConcerts, userId } from "./support/service/stage.ts";
import { openCall } from "./support/service/stream-clients.ts";
import { startStreamService } from "./support/service/stream-service.ts";

const { getConcert, listConcerts } = ConcertService.method;
const { bookTickets, confirmHold, getUserBookings, holdTickets } = BookingService.method;

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startTestService({ APP_METRICS_PORT: "0", ...patientSettings }, database);
});
afterAll(async () => {
  await service.close();
  await database.drop();
});

async function start(settings: Settings): Promise<TestService> {
  const started = await startTestService({ APP_METRICS_PORT: "0", ...patientSettings, ...settings }, database);
  onTestFinished(() => started.close());
  return started;
}

const labelOf: Readonly<Record<Protocol, string>> = {
  gRPC: "grpc",
  "gRPC-Web": "grpc-web",
  "Connect JSON": "connect",
  "Connect binary": "connect",
  "Connect GET": "connect",
  REST: "rest",
  MCP: "mcp",
};

/** How much a metric grows while `work` runs. */
async function growth(work: () => Promise<unknown>) {
  const before = await scrape(service.metricsUrl);
  await work();
  const after = await scrape(service.metricsUrl);
  const value = (of: Scrape, name: string, labels: Record<string, string>) => of.value(`frontrow_${name}`, labels) ?? 0;
  return (name: string, labels: Record<string, string> = {}) =>
    value(after, name, labels) - value(before, name, labels);
}

test.each(protocols)(
  "counts the calls by %s by service, method and code, their durations, and lookups of the cache",
  async (protocol) => {
    const [id = 0n] = await insertConcerts(database);
    const grown = await growth(async () => {
      for (const each of [id, id, id + 1_000_000n]) await callOnce(protocol, service.baseUrl, getConcert, { id: each });
    });
    const labels = { service: "frontrow.v1.ConcertService", method: "GetConcert", protocol: labelOf[protocol] };
    expect(grown("calls_total", { ...labels, code: "OK" })).toBe(2);
    expect(grown("calls_total", { ...labels, code: "NotFound" })).toBe(1);
    expect(grown("calls_total")).toBe(3);
    expect(grown("call_duration_seconds_count", labels)).toBe(3);
    expect(grown("call_duration_seconds_count", { ...labels, result: "answered" })).toBe(2);
    expect(grown("call_duration_seconds_count", { ...labels, result: "refused" })).toBe(1);
    expect(grown("call_duration_seconds_bucket", { ...labels, le: "10" })).toBe(3);
    expect(grown("call_duration_seconds_sum", labels)).toBeGreaterThan(0);
    expect(grown("cache_lookups_total", { result: "hit" })).toBe(1);
    expect(grown("cache_lookups_total", { result: "miss" })).toBe(2);
  },
);

test.each(protocols.filter((protocol) => protocol !== "Connect GET"))(
  "counts bookings, holds, confirmations and refusals by %s",
  async (protocol) => {
    const [concertId = 0n] = await insertConcerts(database, { total_tickets: 4 });
    const order = { concertId, userId, ticketCount: 2 };
    const grown = await growth(async () => {
      await callOnce(protocol, service.baseUrl, bookTickets, order);
      const { outcome } = await callOnce(protocol, service.baseUrl, holdTickets, order);
      const { id } = succeeded(outcome);
      await callOnce(protocol, service.baseUrl, confirmHold, { id, userId });
      await callOnce(protocol, service.baseUrl, bookTickets, order);
    });
    const calls = (method: string, code: string) =>
      grown("calls_total", { service: "frontrow.v1.BookingService", method, protocol: labelOf[protocol], code });
    expect(calls("BookTickets", "OK")).toBe(1);
    expect(calls("HoldTickets", "OK")).toBe(1);
    expect(calls("ConfirmHold", "OK")).toBe(1);
    expect(calls("BookTickets", "FailedPrecondition")).toBe(1);
    expect(grown("calls_total")).toBe(4);
  },
);

test.each(protocols)("counts a call by %s whose client allows no time as caused by the client", async (protocol) => {
  const [id = 0n] = await insertConcerts(database);
  const headers = protocol.startsWith("gRPC") ? { "grpc-timeout": "0m" } : { "connect-timeout-ms": "0" };
  const grown = await growth(() => callOnce(protocol, service.baseUrl, getConcert, { id }, { headers }));
  expect(grown("calls_total", { code: "DeadlineExceeded" })).toBe(1);
  expect(grown("client_caused_errors_total", { lane: "reads", cause: "short_deadline" })).toBe(1);
  expect(grown("call_duration_seconds_count", { result: "failed" })).toBe(1);
});

test("has no label with a value that a client chose", async () => {
  const concert = await createStage(service.baseUrl).concert();
  const request = { concertId: concert.id, ticketCount: 1 };
  await callOnce("Connect JSON", service.baseUrl, bookTickets, { ...request, userId: "🎟".repeat(255) });
  await callOnce("REST", service.baseUrl, getUserBookings, { userId: 'evil"}\nfrontrow_ready 0\n' });
  await callOnce("REST", service.baseUrl, listConcerts, { artist: "evil" });
  const types = [
    "application/json",
    "application/proto",
    "application/grpc",
    "application/grpc-web+proto",
    "evil/evil",
  ];
  const paths = ["/frontrow.v1.EvilService/GetConcert", "/frontrow.v1.ConcertService/Evil", "/api/v1/evil", "/evil"];
  for (const path of paths) {
    for (const type of types) {
      const headers = {
        "content-type": type,
        "user-agent": "evil",
        "x-request-id": "evil",
        authorization: "Bearer evil",
      };
      await fetch(service.baseUrl + path, { method: "POST", headers, body: '{"evil":"evil"}' });
    }
    await fetch(service.baseUrl + path, { method: "PATCH" });
  }
  const metrics = await scrape(service.metricsUrl);
  expect(JSON.stringify([...metrics.families])).not.toMatch(/evil|🎟/i);
  expect(metrics.labelValues("service")).toEqual(new Set(["frontrow.v1.ConcertService", "frontrow.v1.BookingService"]));
  expect([...metrics.labelValues("protocol")].sort()).toEqual(["connect", "grpc", "grpc-web", "mcp", "rest"]);
});

describe("a method of a service that was not announced", () => {
  test("counts as other, and its streams are open until they end", async () => {
    let metrics: Metrics | undefined;
    const limits = { databasePoolSize: 1, maxQueuedRequests: 1, maxConnections: 1 };
    const streams = await startStreamService({
      observe: (subscribe) => {
        metrics = createMetrics({ subscribe }, limits);
      },
    });
    onTestFinished(() => streams.close());
    const read = async () => readMetrics((await metrics?.registry.metrics()) ?? "");
    const call = openCall("gRPC by grpc-js", streams.baseUrl, streams.method("WatchAll"), {});
    const feed = await streams.nextFeed();
    expect((await read()).value("frontrow_streams_open")).toBe(1);
    feed.end();
    await streams.logged({ code: "OK" });
    const after = await read();
    expect(after.value("frontrow_streams_open")).toBe(0);
    const other = { service: "other", method: "other", protocol: "other" };
    expect(after.value("frontrow_calls_total", { ...other, code: "OK" })).toBe(1);
    expect(after.value("frontrow_calls_total")).toBe(1);
    expect(after.value("frontrow_call_duration_seconds_count")).toBe(0);
    call.cancel();
  });
});

test("counts calls over a rate limit by their lane", async () => {
  const { baseUrl, metricsUrl } = await start({ APP_RATE_LIMIT_READS: "1" });
  const calls = ["gRPC", "REST", "Connect JSON"] as const;
  const verdicts = [];
  for (const protocol of calls) {
    const { outcome } = await callOnce(protocol, baseUrl, getUserBookings, { userId });
    verdicts.push(verdict(outcome));
  }
  expect(verdicts).toEqual(["OK", "RATE_LIMITED", "RATE_LIMITED"]);
  const metrics = await scrape(metricsUrl);
  expect(metrics.value("frontrow_rate_limited_total", { lane: "reads" })).toBe(2);
  expect(metrics.value("frontrow_rate_limited_total")).toBe(2);
  expect(metrics.value("frontrow_calls_total", { code: "ResourceExhausted" })).toBe(2);
});

test("counts what is queued and under way, refused because the queue is full, and one too many of a caller", async () => {
  const limits = { APP_MAX_QUEUED_REQUESTS: "2", APP_MAX_UNFINISHED_PER_CALLER: "4" };
  const { baseUrl, metricsUrl } = await start(limits);
  const stage = createStage(baseUrl);
  const concert = await stage.concert();
  const held = await holdConcert(database, concert.id);
  const bookings = [stage.booking(concert)];
  await held.untilInTheWay();
  const book = () => void bookings.push(stage.booking(concert));
  book();
  book();
  await scrapeUntil(metricsUrl, (metrics) => {
    expect(metrics.value("frontrow_queue_depth")).toBe(2);
    expect(metrics.value("frontrow_calls_in_flight")).toBe(3);
    expect(metrics.value("frontrow_database_connections", { pool: "main", state: "in_use" })).toBe(1);
  });
  await expect(stage.booking(concert)).rejects.toThrow("too many requests are waiting");
  const full = await scrape(metricsUrl);
  expect(full.value("frontrow_queue_refusals_total")).toBe(1);
  expect(full.value("frontrow_queue_limit")).toBe(2);
  await held.release();
  await Promise.all(bookings);
  const idle = await scrape(metricsUrl);
  expect(idle.value("frontrow_queue_depth")).toBe(0);
  expect(idle.value("frontrow_calls_in_flight")).toBe(0);
  expect(idle.value("frontrow_database_connections", { pool: "main" })).toBe(0);
});

test("counts unfinished bookings over a caller's limit", async () => {
  const { baseUrl, metricsUrl } = await start({ APP_MAX_UNFINISHED_PER_CALLER: "1" });
  const stage = createStage(baseUrl);
  const concert = await stage.concert();
  const held = await holdConcert(database, concert.id);
  const first = stage.booking(concert);
  await held.untilInTheWay();
  await expect(stage.booking(concert)).rejects.toThrow("unfinished");
  expect((await scrape(metricsUrl)).value("frontrow_concurrency_limited_total", { limit: "bookings" })).toBe(1);
  await held.release();
  await first;
});

test("counts connections that are open, and those that were refused", async () => {
  const { baseUrl, metricsUrl } = await start({ APP_MAX_CONNECTIONS: "1" });
  const port = Number(new URL(baseUrl).port);
  const first = openRaw(port);
  first.socket.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  await first.waitFor("up");
  await expect(fetch(`${baseUrl}/livez`)).rejects.toThrow("fetch failed");
  const metrics = await scrape(metricsUrl);
  expect(metrics.value("frontrow_connections_open")).toBe(1);
  expect(metrics.value("frontrow_connections_refused_total")).toBe(1);
  expect(metrics.value("frontrow_connections_limit")).toBe(1);
  first.socket.destroy();
  await scrapeUntil(metricsUrl, (later) => expect(later.value("frontrow_connections_open")).toBe(0));
});

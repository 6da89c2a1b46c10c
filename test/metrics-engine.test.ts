/** The metrics of the booking engine, its transactions and the database. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdConcert, holdLock, patientSettings } from "./support/database/locks.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { type Scrape, scrape, scrapeUntil } from "./support/service/metrics.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, type Stage, userId } from "./support/service/stage.ts";

const { confirmHold, releaseHold } = BookingService.method;
const { listConcerts } = ConcertService.method;

let database: TestDatabase;
let proxy: PostgresProxy;
let service: TestService;
let stage: Stage;
let before: Scrape;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.url);
  const settings = { ...patientSettings, APP_METRICS_PORT: "0", APP_DATABASE_POOL_SIZE: "5" };
  service = await startTestService(settings, { ...database, url: proxy.url(database.url) });
  stage = createStage(service.baseUrl);
});
beforeEach(async () => {
  before = await scrape(service.metricsUrl);
});
afterEach(() => database.checkInvariants());
afterAll(async () => {
  await service.close();
  await proxy.close();
  await database.drop();
});

/** How much a metric has grown in this test. */
async function growth(): Promise<(name: string, labels?: Readonly<Record<string, string>>) => number> {
  const after = await scrape(service.metricsUrl);
  return (name, labels = {}) =>
    (after.value(`frontrow_${name}`, labels) ?? 0) - (before.value(`frontrow_${name}`, labels) ?? 0);
}

test("counts what became of requests for tickets, by its outcome", async () => {
  const concert = await stage.concert({ totalTickets: 10 });
  await stage.booking(concert);
  await stage.cancel(await stage.booking(concert));
  const { id } = await stage.hold(concert);
  await stage.call(confirmHold, { id, userId });
  const released = await stage.hold(concert);
  await stage.call(releaseHold, { id: released.id, userId });
  await expect(stage.booking(concert, { ticketCount: 9 })).rejects.toThrow();
  const grown = await growth();
  const outcomes = ["booked", "cancelled", "held", "confirmed", "released", "refused", "expired"];
  expect(outcomes.map((outcome) => grown("bookings_total", { outcome }))).toEqual([2, 1, 2, 1, 1, 1, 0]);
  expect(grown("batches_total", { outcome: "decided" })).toBe(8);
  expect(grown("batches_total", { outcome: "failed" })).toBe(0);
  expect(grown("batch_requests_bucket", { le: "1" })).toBe(8);
  for (const name of ["batch_requests", "queue_wait_seconds", "lock_wait_seconds", "lock_held_seconds"])
    expect(grown(`${name}_count`), name).toBe(8);
  // The refusal writes nothing.
  expect(grown("commit_seconds_count")).toBe(7);
  for (const name of ["lock_wait", "lock_held", "commit"])
    expect(grown(`${name}_seconds_sum`), name).toBeGreaterThan(0);
});

test("counts holds that have expired", async () => {
  const concert = await stage.concert();
  await stage.hold(concert);
  await database.query("UPDATE bookings SET hold_expires_time = now() WHERE concert_id = $1", [concert.id]);
  await scrapeUntil(service.metricsUrl, (metrics) => {
    const outcome = { outcome: "expired" };
    expect(metrics.value("frontrow_bookings_total", outcome)).toBe(
      (before.value("frontrow_bookings_total", outcome) ?? 0) + 1,
    );
  });
});

test("counts refusals of a sold-out concert that need no transaction", async () => {
  const concert = await stage.concert({ totalTickets: 1 });
  await stage.booking(concert, { ticketCount: 1 });
  const late = Array.from({ length: 5 }, () => stage.booking(concert).catch(() => {}));
  await Promise.all(late);
  const grown = await growth();
  expect(grown("sold_out_refusals_total") + grown("bookings_total", { outcome: "refused" })).toBe(5);
  expect(grown("sold_out_refusals_total")).toBeGreaterThan(0);
});

test("observes how many requests a batch has, and how long each of them waited", async () => {
  const concert = await stage.concert();
  const held = await holdConcert(database, concert.id);
  const bookings = [stage.booking(concert)];
  await held.untilInTheWay();
  for (let count = 0; count < 20; count++) bookings.push(stage.booking(concert));
  await scrapeUntil(service.metricsUrl, (metrics) => expect(metrics.value("frontrow_queue_depth")).toBe(20));
  await held.release();
  await Promise.all(bookings);
  const grown = await growth();
  expect(grown("batch_requests_sum")).toBe(21);
  expect(grown("batch_requests_count")).toBe(2);
  expect(grown("batch_requests_bucket", { le: "16" })).toBe(1);
  expect(grown("batch_requests_bucket", { le: "32" })).toBe(2);
  expect(grown("queue_wait_seconds_sum")).toBeGreaterThan(0);
  expect(grown("queue_wait_seconds_count")).toBe(21);
});

test("counts batches of a concert that does not exist", async () => {
  const concert = await stage.concert();
  before = await scrape(service.metricsUrl);
  await expect(stage.booking({ ...concert, id: 404_404n })).rejects.toThrow();
  const grown = await growth();
  expect(grown("batches_total", { outcome: "not_found" })).toBe(1);
  expect(grown("batches_total")).toBe(1);
  expect(grown("lock_wait_seconds_count")).toBe(1);
});

test("observes the wait for a lock of batches that do not get it", async () => {
  const impatient = await startTestService({ APP_METRICS_PORT: "0", APP_LOCK_TIMEOUT: "100ms" }, database);
  onTestFinished(() => impatient.close());
  const concert = await stage.concert();
  await using _ = await holdConcert(database, concert.id);
  await expect(createStage(impatient.baseUrl).booking(concert)).rejects.toThrow();
  const metrics = await scrape(impatient.metricsUrl);
  const value = (name: string) => metrics.value(`frontrow_${name}`) ?? 0;
  const attempts = 1 + value("batch_retries_total");
  expect(metrics.value("frontrow_batches_total", { outcome: "failed" })).toBe(1);
  expect(value("lock_wait_seconds_count")).toBe(attempts);
  // PostgreSQL ends none of these waits before its timeout.
  expect(value("lock_wait_seconds_sum")).toBeGreaterThanOrEqual(0.1 * attempts);
});

test.each([
  ["answer lost", "committed"],
  ["undelivered", "aborted"],
] as const)("counts a COMMIT in doubt (%s) and that it was %s", async (fault, outcome) => {
  const concert = await stage.concert();
  before = await scrape(service.metricsUrl);
  const happened = proxy.failNextCommit(fault);
  await stage.booking(concert);
  await happened;
  const grown = await growth();
  expect(grown("commits_in_doubt_total")).toBe(1);
  expect(grown("commits_settled_total", { outcome })).toBe(1);
  expect(grown("commits_settled_total")).toBe(1);
  // A batch that was not stored is decided again.
  expect(grown("bookings_total", { outcome: "booked" })).toBe(1);
  expect(grown("batches_total", { outcome: "in_doubt" })).toBe(1);
});

test("counts idle connections that broke", async () => {
  await stage.booking(await stage.concert());
  proxy.cut();
  await scrapeUntil(service.metricsUrl, (metrics) => {
    const name = "frontrow_database_connections_lost_total";
    expect(metrics.value(name)).toBeGreaterThan(before.value(name) ?? 0);
  });
});

test("counts waits for the pool, and what of it is in use", async () => {
  const concerts = await Promise.all([stage.concert(), stage.concert(), stage.concert()]);
  const holds = await Promise.all(concerts.map(({ id }) => holdConcert(database, id)));
  const bookings = concerts.map((concert) => stage.booking(concert));
  // Batches have two of five connections. The third concert's waits for its turn.
  await scrapeUntil(service.metricsUrl, (metrics) => {
    expect(metrics.value("frontrow_database_connections", { pool: "main", state: "in_use" })).toBe(2);
    expect(metrics.value("frontrow_queue_depth")).toBe(1);
  });
  await Promise.all(holds.map((held) => held.release()));
  await Promise.all(bookings);
  const grown = await growth();
  expect(grown("database_connection_wait_seconds_count", { pool: "main" })).toBeGreaterThanOrEqual(3);
  expect((await scrape(service.metricsUrl)).value("frontrow_database_connections_limit", { pool: "main" })).toBe(5);
});

test("observes how long reads wait for one of their connections", async () => {
  const settings = { ...patientSettings, APP_METRICS_PORT: "0", APP_DATABASE_POOL_SIZE: "3" };
  const small = await startTestService(settings, database);
  onTestFinished(() => small.close());
  const main = { pool: "main" };
  const held = await holdLock(database, "LOCK TABLE concerts IN ACCESS EXCLUSIVE MODE");
  const reads = ["a", "b", "c"].map((artist) => createStage(small.baseUrl).call(listConcerts, { artist }));
  await held.untilInTheWay();
  await scrapeUntil(small.metricsUrl, (metrics) => expect(metrics.value("frontrow_calls_in_flight")).toBe(3));
  const begun = await scrape(small.metricsUrl);
  await held.query("SELECT pg_sleep(0.2)");
  await held.release();
  await Promise.all(reads);
  const after = await scrape(small.metricsUrl);
  const grown = (name: string) => (after.value(name, main) ?? 0) - (begun.value(name, main) ?? 0);
  // Searches have one connection. The two that wait do so at least until the lock is released.
  expect(grown("frontrow_database_connection_wait_seconds_sum")).toBeGreaterThanOrEqual(2 * 0.2);
  expect(grown("frontrow_database_connection_wait_seconds_count")).toBeGreaterThanOrEqual(2);
  expect(grown("frontrow_database_connection_held_seconds_sum")).toBeGreaterThanOrEqual(0.2);
});

test("says whether the database takes writes", async () => {
  await scrapeUntil(service.metricsUrl, (metrics) => expect(metrics.value("frontrow_database_up")).toBe(1));
  proxy.refuse();
  await scrapeUntil(service.metricsUrl, (metrics) => expect(metrics.value("frontrow_database_up")).toBe(0));
  proxy.accept();
  await scrapeUntil(service.metricsUrl, (metrics) => expect(metrics.value("frontrow_database_up")).toBe(1));
});

test("compares the inventory", async () => {
  const concert = await stage.concert();
  await scrapeUntil(service.metricsUrl, (metrics) => expect(metrics.value("frontrow_inventory_mismatch")).toBe(0));
  await database.query("UPDATE concerts SET available_tickets = 99 WHERE id = $1", [concert.id]);
  await scrapeUntil(service.metricsUrl, (metrics) => expect(metrics.value("frontrow_inventory_mismatch")).toBe(1));
  await database.query("UPDATE concerts SET available_tickets = 100 WHERE id = $1", [concert.id]);
});

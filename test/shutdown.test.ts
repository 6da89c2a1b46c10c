/** Graceful shutdown, as clients, health watches and operators see it. */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/health/v1/health_pb.ts";
import { shuttingDown } from "../src/rpc/status.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdConcert, holdLock, patientSettings } from "./support/database/locks.ts";
import { startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openRaw } from "./support/network/raw-connection.ts";
import { openProgram } from "./support/process/program.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { testEnvironment } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

vi.setConfig({ testTimeout: 60_000 });

describe("a request whose body is still arriving when the grace period ends is answered", () => {
  let app: ServedApp;
  afterEach(() => app.close());

  test.each([
    ["REST", "/api/v1/concerts", "application/json", '"reason":"SHUTTING_DOWN"'],
    ["Connect", "/frontrow.v1.ConcertService/CreateConcert", "application/json", '"code":"unavailable"'],
    ["MCP", "/mcp", "application/json", '"reason":"SHUTTING_DOWN"'],
    ["gRPC-Web", "/frontrow.v1.ConcertService/CreateConcert", "application/grpc-web+proto", "grpc-status: 14\r\n"],
    ["a Connect stream", "/grpc.health.v1.Health/Watch", "application/connect+json", '"code":"unavailable"'],
  ])("%s over HTTP/1.1", async (_, path, type, answer) => {
    app = await serveApp();
    const raw = openRaw(app.port);
    const headers = ["Host: x", `Content-Type: ${type}`, "Content-Length: 100", "Connection: keep-alive"];
    raw.socket.write(`GET /livez HTTP/1.1\r\nHost: x\r\n\r\nPOST ${path} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n{`);
    await raw.waitFor('{"status":"up"}');
    const drained = app.drain();
    app.shutdown.abort(shuttingDown());
    await raw.waitFor(answer);
    raw.socket.destroy();
    await drained;
  });

  test("gRPC", async () => {
    app = await serveApp();
    const session = connectHttp2(app.baseUrl);
    const stream = session.request({
      ":method": "POST",
      ":path": "/frontrow.v1.ConcertService/CreateConcert",
      "content-type": "application/grpc",
    });
    stream.write(Buffer.of(0, 0, 0, 0, 9));
    const trailers = once(stream, "trailers");
    // Its answer shows that what was sent before has been received.
    const probe = session.request({ ":path": "/livez" });
    await once(probe.resume(), "end");
    const drained = app.drain();
    app.shutdown.abort(shuttingDown());
    stream.resume();
    expect((await trailers)[0]).toMatchObject({ "grpc-status": "14" });
    stream.end();
    session.close();
    await drained;
  });
});

// Each of these tests waits for the limits of a shutdown, so they run at the same time.
describe.concurrent("a service with a database elsewhere", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test("serves calls with readiness down for APP_SHUTDOWN_DELAY, even if the signal comes twice", async () => {
    const delayMs = 3_000;
    await using service = await openProgram(testEnvironment(database.url, { APP_SHUTDOWN_DELAY: `${delayMs}ms` }));
    const health = createClient(Health, createGrpcTransport({ baseUrl: service.baseUrl }));
    const watch = health.watch({})[Symbol.asyncIterator]();
    expect(await watch.next()).toMatchObject({ value: { status: ServingStatus.SERVING } });

    const stoppedAtMs = performance.now();
    service.signal("SIGTERM");
    expect(await watch.next()).toMatchObject({ value: { status: ServingStatus.NOT_SERVING } });
    service.signal("SIGTERM");
    const readiness = await fetch(`${service.baseUrl}/readyz`);
    expect([readiness.status, await readiness.json()]).toEqual([503, { status: "draining" }]);
    await createStage(service.baseUrl).concert();
    // The watch goes on until the service stops.
    expect(await watch.next()).toMatchObject({ done: true });
    expect(await service.ended).toBe(0);
    expect(performance.now() - stoppedAtMs).toBeGreaterThanOrEqual(delayMs);
  });

  /** A booking in flight that waits for a lock of the test's. */
  async function startBooking(baseUrl: string) {
    const concert = await createStage(baseUrl).concert();
    const held = await holdConcert(database, concert.id);
    const body = JSON.stringify({ concert_id: String(concert.id), user_id: "nora", ticket_count: 1 });
    const headers = { "Content-Type": "application/json" };
    const answer = fetch(`${baseUrl}/api/v1/bookings`, { method: "POST", headers, body });
    await held.untilInTheWay();
    return { held, answer };
  }

  test("exits with status 3 when the network to the database hangs, after answering the calls in flight", async () => {
    const proxy = await startPostgresProxy(database.url);
    const settings = { ...patientSettings, APP_SHUTDOWN_TIMEOUT: "500ms" };
    await using service = await openProgram(testEnvironment(proxy.url(database.url), settings));
    const { held, answer } = await startBooking(service.baseUrl);
    proxy.holdAnswers();
    await held.release();
    service.signal("SIGTERM");
    expect((await answer).status).toBe(503);
    expect(await service.ended).toBe(3);
    expect(service.output()).toMatch(/"level":"fatal".*transactions or database connections had to be cut off/);
    await proxy.close();
  });

  test("exits with status 3 when a transaction outlasts the grace period; its response says that it may be stored", async () => {
    const settings = { ...patientSettings, APP_SHUTDOWN_TIMEOUT: "100ms" };
    await using service = await openProgram(testEnvironment(database.url, settings));
    const { held, answer } = await startBooking(service.baseUrl);
    service.signal("SIGTERM");
    const answered = await answer;
    expect(answered.headers.get("retry-after")).toBeNull();
    expect([answered.status, await answered.json()]).toMatchObject([
      503,
      {
        reason: "SHUTTING_DOWN",
        detail: "the service is shutting down; the request may have been stored: look before repeating it",
      },
    ]);
    expect(await service.ended).toBe(3);
    await held.release();
  });

  test("exits with status 3 when the comparison of the inventory outlasts the grace period", async () => {
    await using own = await createTestDatabase();
    await using held = await holdLock(own, "LOCK TABLE bookings");
    const settings = { APP_METRICS_PORT: "0", APP_STATEMENT_TIMEOUT: "5m", APP_SHUTDOWN_TIMEOUT: "100ms" };
    await using service = await openProgram(testEnvironment(own.url, settings));
    // Other work of the service does not count.
    await held.untilWaiting(1);
    service.signal("SIGTERM");
    expect(await service.ended).toBe(3);
    expect(service.output()).toMatch(/"level":"fatal".*transactions or database connections had to be cut off/);
  });
});

import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/health/v1/health_pb.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";

let app: ServedApp;

async function serve() {
  app = await serveApp();
  return createClient(Health, createGrpcTransport({ baseUrl: app.baseUrl }));
}

/** Counts the listeners of the readiness from now on. */
function countListeners(): () => number {
  let count = 0;
  const { onChange } = app.readiness;
  vi.spyOn(app.readiness, "onChange").mockImplementation((listener) => {
    count += 1;
    const forget = onChange(listener);
    return () => {
      count -= 1;
      forget();
    };
  });
  return () => count;
}

afterEach(() => app.close());

describe("over HTTP", () => {
  test.each(["/health", "/livez"])("%s says that the process is up, whatever the readiness", async (path) => {
    app = await serveApp();
    for (const change of [() => {}, app.readiness.started, app.readiness.drain]) {
      await change();
      const answer = await fetch(`${app.baseUrl}${path}`);
      expect([answer.status, await answer.text()]).toEqual([200, '{"status":"up"}']);
      expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
    expect((await fetch(`${app.baseUrl}${path}`, { method: "HEAD" })).status).toBe(200);
  });

  test("/readyz follows the readiness", async () => {
    app = await serveApp();
    const ask = async () => {
      const answer = await fetch(`${app.baseUrl}/readyz`);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      return [answer.status, await answer.text()];
    };
    expect(await ask()).toEqual([503, '{"status":"starting"}']);
    await app.readiness.started();
    expect(await ask()).toEqual([200, '{"status":"ready"}']);
    app.readiness.drain();
    expect(await ask()).toEqual([503, '{"status":"draining"}']);
  });
});

describe("grpc.health.v1", () => {
  const names = [
    "",
    "frontrow.v1.ConcertService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
  ];

  test("Check answers for every service and follows the readiness", async () => {
    const client = await serve();
    for (const service of names) {
      expect(await client.check({ service })).toMatchObject({ status: ServingStatus.NOT_SERVING });
    }
    await app.readiness.started();
    for (const service of names) {
      expect(await client.check({ service })).toMatchObject({ status: ServingStatus.SERVING });
    }
    await expect(client.check({ service: "Nothing" })).rejects.toMatchObject({ code: Code.NotFound });
  });

  test("List has all services", async () => {
    const client = await serve();
    await app.readiness.started();
    const { statuses } = await client.list({});
    expect(Object.keys(statuses).sort()).toEqual(names);
    expect(new Set(Object.values(statuses).map(({ status }) => status))).toEqual(new Set([ServingStatus.SERVING]));
  });

  test.each([
    ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ["gRPC-Web over HTTP/1.1", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" as const })],
    ["Connect over HTTP/1.1", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" as const })],
  ])("Watch sends the status at once and every change over %s, and ends with the drain", async (_, transport) => {
    app = await serveApp();
    const listeners = countListeners();
    const client = createClient(Health, transport(app.baseUrl));
    const received: ServingStatus[] = [];
    let drained: Promise<void> | undefined;
    const changes = [
      app.readiness.started,
      () => {
        drained = app.drain();
      },
    ];
    for await (const { status } of client.watch({ service: "frontrow.v1.ConcertService" })) {
      received.push(status);
      changes.shift()?.();
    }
    expect(received).toEqual([ServingStatus.NOT_SERVING, ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    await drained;
    expect(listeners()).toBe(0);
  });

  test("Watch of an unknown service stays open until the drain", async () => {
    const client = await serve();
    const watch = client.watch({ service: "Nothing" })[Symbol.asyncIterator]();
    expect(await watch.next()).toMatchObject({ value: { status: ServingStatus.SERVICE_UNKNOWN } });
    await app.readiness.started();
    const drained = app.drain();
    expect(await watch.next()).toMatchObject({ done: true });
    await drained;
  });

  test("Watch frees its listener when the client disconnects, at the deadline, and on a shutdown", async () => {
    const client = await serve();
    const listeners = countListeners();
    const hangUp = new AbortController();
    const first = client.watch({}, { signal: hangUp.signal })[Symbol.asyncIterator]();
    await first.next();
    expect(listeners()).toBe(1);
    hangUp.abort();
    await expect(first.next()).rejects.toMatchObject({ code: Code.Canceled });
    await vi.waitFor(() => expect(listeners()).toBe(0), 20_000);

    const second = client.watch({}, { timeoutMs: 20 })[Symbol.asyncIterator]();
    await expect(second.next().then(() => second.next())).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    await vi.waitFor(() => expect(listeners()).toBe(0), 20_000);

    const third = client.watch({})[Symbol.asyncIterator]();
    await third.next();
    app.shutdown.abort();
    await expect(third.next()).rejects.toMatchObject({ code: Code.Unavailable });
    expect(listeners()).toBe(0);
  });
});

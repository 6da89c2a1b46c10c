import { once } from "node:events";
import { connect } from "node:http2";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { converse, openRaw } from "./support/network/raw-connection.ts";
import { type ConcertHandlers, type ServedApp, serveApp } from "./support/service/served-app.ts";

const getConcertPath = "/frontrow.v1.ConcertService/GetConcert";
const createConcertPath = "/frontrow.v1.ConcertService/CreateConcert";
const reflectionPath = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const json = { "content-type": "application/json" };
const origin = "https://tickets.example";
const echo: ConcertHandlers = { getConcert: ({ id }) => ({ id }), createConcert: ({ name }) => ({ id: 1n, name }) };

let app: ServedApp;

afterEach(() => app.close());

const ask = (path: string, init: RequestInit = {}) => fetch(`${app.baseUrl}${path}`, init);
const post = (path: string, body: BodyInit, headers: Record<string, string> = json) =>
  ask(path, { method: "POST", headers, body });

describe("CORS", () => {
  test.each(["/api/v1/concerts", createConcertPath, "/nowhere"])("answers the preflight of %s", async (path) => {
    app = await serveApp(echo);
    const headers = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "connect-protocol-version,x-grpc-web,authorization,idempotency-key",
    };
    const answer = await ask(path, { method: "OPTIONS", headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST, PUT, OPTIONS");
    expect(answer.headers.get("access-control-max-age")).toBe("7200");
    const allowed = answer.headers.get("access-control-allow-headers")?.toLowerCase().split(", ");
    expect(allowed).toEqual(expect.arrayContaining(headers["access-control-request-headers"].split(",")));
  });

  test("answers an OPTIONS request that is no preflight", async () => {
    app = await serveApp(echo);
    expect((await ask("/api/v1/concerts", { method: "OPTIONS" })).status).toBe(204);
  });

  test.each([{ origin, "access-control-request-method": "POST" }, {}])(
    "a 204 has no Content-Length: %j",
    async (headers) => {
      app = await serveApp(echo);
      for (const path of ["/api/v1/concerts", createConcertPath, "/nowhere"]) {
        const answer = await ask(path, { method: "OPTIONS", headers });
        expect([answer.status, answer.headers.get("content-length"), await answer.text()]).toEqual([204, null, ""]);
      }
    },
  );

  test("allows tracing headers, and those of the setting", async () => {
    app = await serveApp(echo, { corsAllowedHeaders: ["X-Tenant", "X-B3-TraceId"] });
    const asked = ["traceparent", "tracestate", "baggage", "x-request-id", "x-tenant", "x-b3-traceid", "authorization"];
    const headers = { origin, "access-control-request-method": "POST" };
    const answer = await ask("/api/v1/bookings", { method: "OPTIONS", headers });
    const allowed = answer.headers.get("access-control-allow-headers")?.toLowerCase().split(", ");
    expect(allowed).toEqual(expect.arrayContaining(asked));
  });

  test.each([
    ["REST", "GET", "/api/v1/concerts/1", undefined, 200],
    ["an error of REST", "GET", "/api/v1/concerts/none", undefined, 400],
    ["a path that is not there", "GET", "/nowhere", undefined, 404],
    ["Connect", "POST", getConcertPath, '{"id":"1"}', 200],
    ["an error of Connect", "POST", getConcertPath, "{", 400],
    ["what Connect refuses", "PUT", getConcertPath, "{}", 405],
  ])("has its headers on %s", async (_, method, path, body, status) => {
    app = await serveApp(echo, { corsOrigins: [origin, "https://other.example"] });
    const send = (from: string) => ask(path, { method, headers: { ...json, origin: from }, body: body ?? null });
    const answer = await send(origin);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    expect(answer.headers.get("vary")).toBe("Origin");
    const exposed = answer.headers.get("access-control-expose-headers")?.split(", ");
    expect(exposed).toEqual(
      expect.arrayContaining(["Grpc-Status", "Location", "Idempotency-Replayed", "Retry-After", "ETag"]),
    );
    expect((await send("https://evil.example")).headers.has("access-control-allow-origin")).toBe(false);
  });

  test("is off without origins", async () => {
    app = await serveApp(echo, { corsOrigins: [] });
    const preflight = { origin, "access-control-request-method": "POST" };
    for (const [method, headers] of [["OPTIONS", preflight] as const, ["GET", { origin }] as const]) {
      const answer = await ask("/api/v1/concerts/1", { method, headers });
      expect(answer.headers.has("access-control-allow-origin")).toBe(false);
    }
  });
});

describe("a request that no method can answer", () => {
  test.each([
    ["an unknown path", "GET", "/nowhere?x=1", {}, 404, "ROUTE_NOT_FOUND"],
    [
      "an unknown path with a body of any type",
      "POST",
      "/nowhere",
      { "content-type": "text/x" },
      404,
      "ROUTE_NOT_FOUND",
    ],
    ["the prefix of REST", "GET", "/api", {}, 404, "ROUTE_NOT_FOUND"],
    ["an unknown path of REST", "POST", "/api/v2/concerts", json, 404, "ROUTE_NOT_FOUND"],
    ["an unknown method of a service", "POST", "/frontrow.v1.ConcertService/Nope", json, 404, "ROUTE_NOT_FOUND"],
    ["a path that is not UTF-8", "GET", "/api/v1/concerts/%ff", {}, 400, "INVALID_REQUEST"],
    ["a path of bad percent-encoding", "GET", "/health%", {}, 400, "INVALID_REQUEST"],
    ["a very long path", "GET", `/${"a".repeat(10_000)}`, {}, 404, "ROUTE_NOT_FOUND"],
    ["another HTTP method", "DELETE", "/api/v1/concerts/1", {}, 405, "METHOD_NOT_ALLOWED"],
    ["GET of a Connect method that writes", "GET", createConcertPath, {}, 405, "METHOD_NOT_ALLOWED"],
    ["another type to Connect", "POST", getConcertPath, { "content-type": "text/xml" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["a malformed type to Connect", "POST", getConcertPath, { "content-type": "/" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["a two-way stream over HTTP/1.1", "POST", reflectionPath, json, 505, "HTTP_VERSION_NOT_SUPPORTED"],
    [
      "a Connect GET of bad base64",
      "GET",
      `${getConcertPath}?encoding=proto&base64=1&message=!`,
      {},
      400,
      "INVALID_REQUEST",
    ],
    [
      "a Connect GET that is not UTF-8",
      "GET",
      `${getConcertPath}?encoding=json&message=%ff`,
      {},
      400,
      "INVALID_REQUEST",
    ],
  ])("is answered with a problem: %s", async (_, method, path, headers, status, reason) => {
    app = await serveApp(echo);
    const answer = await ask(path, { method, headers: { ...headers }, body: method === "POST" ? "{}" : null });
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect([answer.status, await answer.json()]).toMatchObject([status, { status, reason }]);
    if (status === 405) expect(answer.headers.get("allow")).toMatch(/GET|POST/);
  });

  test.each(["{", "x".repeat(200_000)])("is answered with 404 whatever its body: %.3s", async (body) => {
    app = await serveApp(echo);
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await ask("/nowhere", { method, headers: json, body });
      expect([answer.status, await answer.json()]).toMatchObject([404, { reason: "ROUTE_NOT_FOUND" }]);
    }
  });

  test("is answered, and the connection stays open", async () => {
    app = await serveApp(echo);
    const head = (line: string) => `${line} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n`;
    const request = `${head("POST /nowhere")}Content-Length: 2\r\n\r\n{}${head("GET /livez")}Connection: close\r\n\r\n`;
    expect(await converse(app.port, request)).toMatch(/^HTTP\/1.1 404 .*HTTP\/1.1 200 /s);
    const { port } = app;
    const session = connect(`http://127.0.0.1:${port}`);
    for (const path of ["/nowhere", "/frontrow.v1.ConcertService/Nope"]) {
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": "text/x" });
      stream.end("x".repeat(200_000));
      const [answered] = await once(stream, "response");
      stream.resume();
      await once(stream, "close");
      expect([answered[":status"], stream.rstCode]).toEqual([404, 0]);
    }
    session.close();
  });

  test.each(["Host: a b", "Host: [", "Host:"])("is answered with a problem: %s", async (host) => {
    app = await serveApp(echo);
    const request = `POST ${getConcertPath} HTTP/1.1\r\n${host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n`;
    expect(await converse(app.port, `${request}Connection: close\r\n\r\n{}`)).toMatch(
      /^HTTP\/1.1 400 .*INVALID_REQUEST/s,
    );
  });

  test("is answered in Connect's form where it is a Connect call", async () => {
    app = await serveApp(echo);
    const brokenText = Buffer.concat([Buffer.from('{"name":"'), Buffer.of(0xc3, 0x28), Buffer.from('"}')]);
    const gzipped = { ...json, "content-encoding": "gzip" };
    const compressed = gzipSync(JSON.stringify({ name: "x" }));
    const answers = await Promise.all([
      post(createConcertPath, "{"),
      post(createConcertPath, brokenText),
      post(createConcertPath, "no gzip", gzipped),
      post(createConcertPath, compressed.subarray(0, -4), gzipped),
    ]);
    for (const answer of answers) {
      expect([answer.status, await answer.json()]).toMatchObject([400, { code: "invalid_argument" }]);
    }
    expect((await post(createConcertPath, compressed, gzipped)).status).toBe(200);
  });

  test("is answered with 500 and logged once where the service fails", async () => {
    app = await serveApp(echo);
    const { logged, readiness } = app;
    vi.spyOn(readiness, "state", "get").mockImplementation(() => {
      throw new Error("the secret of the house");
    });
    const answer = await ask("/readyz");
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("secret");
    expect(logged.filter(({ level }) => level === "error")).toMatchObject([
      { method: "GET", route: "/readyz", err: { message: "the secret of the house" } },
    ]);
  });
});

describe("a client that disconnects", () => {
  test.each(["HTTP/1.1", "HTTP/2"])("cancels the call over %s and leaves no noise", async (version) => {
    const output = [vi.spyOn(console, "error"), vi.spyOn(console, "warn"), vi.spyOn(process.stderr, "write")];
    const [arrived, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const released = Promise.withResolvers<void>();
    app = await serveApp({
      async getConcert({ id }, { signal }) {
        signal.addEventListener("abort", () => cancelled.resolve());
        arrived.resolve();
        await released.promise;
        return { id, name: "x".repeat(1_000_000) };
      },
    });
    if (version === "HTTP/2") {
      const session = connect(app.baseUrl);
      const stream = session.request({ ":method": "POST", ":path": getConcertPath, ...json });
      stream.on("error", () => {});
      stream.end("{}");
      await arrived.promise;
      session.destroy();
    } else {
      const connection = openRaw(app.port);
      const head = ["Host: test", "Content-Type: application/json", "Content-Length: 2"].join("\r\n");
      connection.socket.write(`POST ${getConcertPath} HTTP/1.1\r\n${head}\r\n\r\n{}`);
      await arrived.promise;
      connection.socket.resetAndDestroy();
    }
    await cancelled.promise;
    released.resolve();
    // A later call is answered after the response that no client receives.
    expect((await post(getConcertPath, '{"id":"1"}')).status).toBe(200);
    for (const each of output) {
      expect(each).not.toHaveBeenCalled();
      each.mockRestore();
    }
    expect(app.logged.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });
});

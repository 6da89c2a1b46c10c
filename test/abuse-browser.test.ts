/** Pages of other sites in a browser on the machine, where a service without tokens listens on loopback. */
import { connect, type IncomingHttpHeaders } from "node:http2";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { projectRoot } from "./support/project-root.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { moonlightJson } from "./support/service/stage.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { type HttpAnswer, jsonType, sendHttp } from "./support/wire/http.ts";

let app: ServedApp | undefined;

const origin = "http://evil.test";
const here = { getConcert: () => ({ id: 1n }), createConcert: () => ({ id: 1n }) };
const serveWithConfig = async (env: Record<string, string>) => {
  const { config } = loadConfig({ argv: [], env, readFile: () => undefined, projectRoot });
  app = await serveApp(here, { corsOrigins: config.corsOrigins, loopbackOnly: config.whyLoopback !== undefined });
  return app;
};
const book = { method: "POST", path: "/api/v1/concerts", body: JSON.stringify(moonlightJson) };

describe.each([
  ["nothing is set", {}],
  ["only origins are set", { APP_CORS_ORIGINS: "http://evil.test" }],
  ["the mode is dev", { APP_AUTH_MODE: "dev" }],
])("a service that listens on loopback only since %s", (_, env) => {
  beforeAll(() => serveWithConfig(env));
  afterAll(() => app?.close());

  test.each([
    ...["evil.test", "evil.test:8080", "localhost.evil.test", "127.0.0.1.evil.test", "evil-localhost", "0.0.0.0"],
    ...["192.0.2.1", "[::2]", "127.0.0.1@evil.test", "x"],
  ])("Host: %s is refused", async (host) => {
    const answer = await sendHttp(app?.baseUrl ?? "", { ...book, headers: { ...jsonType, host } });
    const { detail } = expectForbidden(answer, "HOST_NOT_ALLOWED");
    expect(detail).toContain(`the host ${host} is not this machine: with APP_AUTH_MODE unset or dev,`);
  });

  test.each(["localhost", "LOCALHOST:8080", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:8080", "shop.localhost:3000"])(
    "Host: %s is taken, and as an origin",
    async (host) => {
      const headers = { ...jsonType, host, origin: `http://${host}` };
      expect((await sendHttp(app?.baseUrl ?? "", { ...book, headers })).status).toBe(201);
    },
  );

  test.each(["http://evil.test", "https://localhost.evil.test:8080", "null", "http://evil.test/localhost", "file://"])(
    "Origin: %s is refused, its preflight as well",
    async (from) => {
      for (const method of ["POST", "OPTIONS"]) {
        const headers = { ...jsonType, origin: from, "access-control-request-method": "POST" };
        const answer = await sendHttp(app?.baseUrl ?? "", { ...book, method, headers });
        expectForbidden(answer, "ORIGIN_NOT_ALLOWED");
        expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
      }
    },
  );

  test.each(["/frontrow.v1.ConcertService/GetConcert", "/nowhere", "/health", "/readyz"])("%s too", async (path) => {
    expectForbidden(await sendHttp(app?.baseUrl ?? "", { path, headers: { host: "evil.test" } }), "HOST_NOT_ALLOWED");
  });

  test("gRPC calls are rejected by :authority and by Origin, with a gRPC status", async () => {
    for (const headers of [{ ":authority": "evil.test" }, { origin }]) {
      const { ":status": status, ...answered } = await callGrpc(headers);
      expect([status, answered["grpc-status"], answered["cache-control"]]).toEqual([200, "7", "no-store"]);
      expect(decodeURIComponent(String(answered["grpc-message"]))).toMatch(/evil\.test is not this machine/);
    }
    expect(await callGrpc({ ":authority": "localhost:50051" })).toMatchObject({ "grpc-status": "0" });
  });
});

describe("a service that accepts every Host", () => {
  afterEach(() => app?.close());

  test.each([
    { APP_AUTH_MODE: "none" },
    { APP_AUTH_MODE: "jwt", APP_AUTH_ISSUER: "i", APP_AUTH_AUDIENCE: "a", APP_AUTH_JWKS_URL: "https://i.test/keys" },
  ])("with %j", async (env) => {
    const { baseUrl } = await serveWithConfig(env);
    const headers = { ...jsonType, host: "tickets.example.org", origin: "https://pages.example.org" };
    expect((await sendHttp(baseUrl, { ...book, headers })).status).toBe(201);
  });
});

function expectForbidden({ status, headers, text }: HttpAnswer, reason: string): { readonly detail: string } {
  const value = JSON.parse(text);
  expect([status, headers["content-type"], value.code, value.reason]).toEqual([
    403,
    expect.stringMatching(/^application\/problem\+json\b/),
    "PERMISSION_DENIED",
    reason,
  ]);
  return value;
}

async function callGrpc(headers: Record<string, string>): Promise<IncomingHttpHeaders> {
  const session = connect(app?.baseUrl ?? "");
  try {
    const path = "/frontrow.v1.ConcertService/GetConcert";
    const fixed = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request({ ...fixed, ...headers });
    let answered: IncomingHttpHeaders = {};
    const add = (more: IncomingHttpHeaders) => {
      answered = { ...answered, ...more };
    };
    stream.on("response", add).on("trailers", add);
    stream.end(envelope(Buffer.of()));
    for await (const _ of stream) {
      // Only the headers matter.
    }
    return answered;
  } finally {
    session.destroy();
  }
}

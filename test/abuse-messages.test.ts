/** Requests with long texts that errors would repeat: no response has headers or messages that are too long. */
import { once } from "node:events";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { gunzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { HealthCheckRequestSchema } from "../gen/health/v1/health_pb.ts";
import { DomainError } from "../src/domain/failure.ts";
import { connectErrorFor } from "../src/rpc/status.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { rpcPath, sendHttp } from "./support/wire/http.ts";

let app: ServedApp;
let session: ClientHttp2Session;

const long = "é".repeat(11_000);
/** More violations, and longer ones, than a response can hold. */
const invalid = new DomainError({
  reason: "INVALID_REQUEST",
  violations: Array.from({ length: 1_000 }, () => ({ field: "x".repeat(50), message: long })),
});

/** As many violations as one request can have, each of about a hundred bytes. */
const twenty = new DomainError({
  reason: "INVALID_REQUEST",
  violations: Array.from({ length: 20 }, () => ({ field: "x".repeat(30), message: "y".repeat(70) })),
});
/** Violations that are small beside what their encoding adds. */
const tiny = new DomainError({
  reason: "INVALID_REQUEST",
  violations: Array.from({ length: 1_000 }, () => ({ field: "x", message: "y" })),
});

beforeAll(async () => {
  app = await serveApp({
    listConcerts() {
      throw connectErrorFor(invalid, { repeatable: false });
    },
    getConcert({ id }) {
      throw connectErrorFor(id === 0n ? twenty : tiny, { repeatable: false });
    },
  });
});
beforeEach(() => {
  session = connect(app.baseUrl);
});
afterAll(() => app?.close());

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function send(path: string, type: string, body: string | Uint8Array, more = {}): Promise<Answer> {
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": type, te: "trailers", ...more });
  let headers: IncomingHttpHeaders = {};
  const add = (received: IncomingHttpHeaders) => {
    headers = { ...headers, ...received };
  };
  stream.on("response", add).on("trailers", add);
  stream.end(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { headers, body: Buffer.concat(chunks) };
}

/** The connection is still open: it answers another call. */
async function expectAlive() {
  const { headers } = await send("/grpc.health.v1.Health/Check", "application/grpc", envelope(Buffer.of()));
  expect(headers["grpc-status"]).toBe("0");
  session.close();
  await once(session, "close");
}

function expectShort(headers: IncomingHttpHeaders): void {
  // The least that clients accept by default is 8 KiB, of gRPC for Java.
  const lengths = Object.entries(headers).map(([name, value]) => name.length + String(value).length + 32);
  expect(lengths.reduce((sum, length) => sum + length)).toBeLessThan(8_192);
}

const checkPath = "/grpc.health.v1.Health/Check";
const longCheck = toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service: long }));
const getConcert = rpcPath("ConcertService.GetConcert");
const longId = JSON.stringify({ id: long });
const grpcBad = { "grpc-encoding": "\u00e9".repeat(3_000) };

describe("gRPC: the trailers are short, and the connection stays open", () => {
  test.each([0n, 1n])("the reason arrives beside many violations: %s", async (id) => {
    const client = createClient(ConcertService, createGrpcTransport({ baseUrl: app.baseUrl }));
    const error = ConnectError.from(await client.getConcert({ id }).catch((caught: unknown) => caught));
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "INVALID_REQUEST" }]);
    const [badRequest] = error.findDetails(BadRequestSchema);
    expect(badRequest?.fieldViolations.length).toBeGreaterThan(10);
  });

  test.each<[string, string, string, Uint8Array, object, Code]>([
    ["a health check of a long name", checkPath, "application/grpc", longCheck, {}, Code.NotFound],
    ["a long id in JSON", getConcert, "application/grpc+json", Buffer.from(longId), {}, Code.InvalidArgument],
    ["a long encoding", getConcert, "application/grpc", Buffer.of(), grpcBad, Code.Unimplemented],
    [
      "a long timeout",
      getConcert,
      "application/grpc",
      Buffer.of(),
      { "grpc-timeout": "9".repeat(5_000) },
      Code.InvalidArgument,
    ],
    [
      "many violations",
      rpcPath("ConcertService.ListConcerts"),
      "application/grpc",
      Buffer.of(),
      {},
      Code.InvalidArgument,
    ],
    [
      "a long name to watch in JSON",
      "/grpc.health.v1.Health/Watch",
      "application/grpc+json",
      Buffer.from(`{"service":["${long}"]}`),
      {},
      Code.InvalidArgument,
    ],
  ])("%s", async (_, path, type, message, more, code) => {
    const { headers } = await send(path, type, envelope(message), more);
    expect(headers["grpc-status"]).toBe(String(code));
    const said = decodeURIComponent(String(headers["grpc-message"]));
    expect(Buffer.byteLength(said)).toBeLessThanOrEqual(1_024);
    expect(said).not.toBe("");
    expectShort(headers);
    await expectAlive();
  });
});

test("the response has as many violations as fit", async () => {
  const { headers } = await send(rpcPath("ConcertService.ListConcerts"), "application/grpc", envelope(Buffer.of()));
  const details = Buffer.from(String(headers["grpc-status-details-bin"]), "base64").toString();
  expect(details).toContain("type.googleapis.com/google.rpc.ErrorInfo");
  expect(details).toContain("type.googleapis.com/google.rpc.BadRequest");
  session.destroy();
});

describe.each([{}, { "accept-encoding": "gzip", "grpc-accept-encoding": "gzip", "connect-accept-encoding": "gzip" }])(
  "bodies, where the client accepts %j",
  (accepts) => {
    test.each([
      ["Connect JSON", getConcert, "application/json", longId],
      ["Connect, answered directly", rpcPath("ConcertService.ListConcerts"), "application/json", "{}"],
    ])("%s", async (_, path, type, body) => {
      const answer = await send(path, type, body, accepts);
      const text = answer.headers["content-encoding"] === "gzip" ? gunzipSync(answer.body) : answer.body;
      const { code, message } = JSON.parse(text.toString());
      expect(code).toBe("invalid_argument");
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1_024);
      expect(text.length).toBeLessThan(8_192);
      await expectAlive();
    });

    test("gRPC-Web", async () => {
      const { body } = await send(getConcert, "application/grpc-web+json", envelope(Buffer.from(longId)), accepts);
      expect(body[0]).toBe(0x80);
      const [, encoded = ""] = /grpc-message: (.*)\r\n/.exec(body.toString()) ?? [];
      expect(Buffer.byteLength(decodeURIComponent(encoded))).toBeLessThanOrEqual(1_024);
      expect(encoded).not.toBe("");
      expect(body.toString()).toContain(`grpc-status: ${Code.InvalidArgument}\r\n`);
      await expectAlive();
    });

    test("a stream of Connect", async () => {
      const message = envelope(Buffer.from(JSON.stringify({ service: [long] })));
      const { body } = await send("/grpc.health.v1.Health/Watch", "application/connect+json", message, accepts);
      expect(body[0]).toBe(2);
      const { error } = JSON.parse(body.subarray(5).toString());
      expect(error.code).toBe("invalid_argument");
      expect(Buffer.byteLength(error.message)).toBeLessThanOrEqual(1_024);
      await expectAlive();
    });
  },
);

test.each([
  ["a path that is not there", "GET", `/nothing/${"x".repeat(8_000)}`, {}, 404, "there is nothing at /nothing/xxx"],
  ["a method not taken", "DELETE", `/api/v1/concerts/${"x".repeat(8_000)}`, {}, 405, "not DELETE"],
  ["a long encoding", "PUT", "/api/v1/concerts/1", { "content-encoding": "x".repeat(8_000) }, 415, "not as xxx"],
  ["an unknown parameter", "GET", `/api/v1/concerts?${"x".repeat(8_000)}=1`, {}, 400, "unknown field"],
])("REST: %s", async (_, method, path, headers, status, detail) => {
  const more = method === "PUT" ? { body: "{}", headers: { ...headers, "content-type": "application/json" } } : {};
  const answer = await sendHttp(app.baseUrl, { method, path, ...more });
  expect(answer.status).toBe(status);
  expect(answer.text.length).toBeLessThan(2_000);
  expect(JSON.parse(answer.text).detail).toContain(detail);
  session.destroy();
});

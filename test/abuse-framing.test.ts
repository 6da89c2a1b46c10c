/** Requests whose body's end two servers may see at different places, and responses that a cache or a browser may misuse. */
import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openRaw } from "./support/network/raw-connection.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { jsonType, sendGrpc, sendHttp } from "./support/wire/http.ts";

const getConcert = "/frontrow.v1.ConcertService/GetConcert";
let app: ServedApp;

beforeAll(async () => {
  app = await serveApp({
    getConcert: ({ id }) => ({ id }),
    listConcerts: () => ({}),
    createConcert: () => ({ id: 1n }),
  });
});
afterAll(() => app?.close());

/** Sends bytes on a connection and returns all that the server says until it closes the connection. */
async function untilClosed(bytes: string): Promise<string> {
  const connection = openRaw(app.port);
  connection.socket.write(bytes);
  return await connection.closed;
}

const second = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
const request = (version: string, coding: string, body = "2\r\n{}\r\n0\r\n\r\n") =>
  `POST ${getConcert} HTTP/${version}\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
  `Connection: keep-alive\r\nTransfer-Encoding: ${coding}\r\n\r\n${body}${second}`;

describe("the connection closes, and the bytes behind the request are not read as a request", () => {
  test.each(["gzip, chunked", "identity, chunked", "deflate,chunked", "GZIP, Chunked"])(
    "Transfer-Encoding: %s is not implemented",
    async (coding) => {
      const said = await untilClosed(request("1.1", coding));
      expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 501"]);
      expect(said).toContain('"reason":"TRANSFER_ENCODING_NOT_SUPPORTED"');
    },
  );

  test.each(["gzip", "identity", "chunked, gzip", "chunked, identity", "xchunked", "chunked, chunked"])(
    "Transfer-Encoding: %s has no end",
    async (coding) => {
      const said = await untilClosed(request("1.1", coding));
      expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual([expect.stringMatching(/(?:400|501)$/)]);
    },
  );

  test.each(["chunked", "gzip, chunked", "Chunked"])("HTTP/1.0 with Transfer-Encoding: %s", async (coding) => {
    const said = await untilClosed(request("1.0", coding));
    expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
  });
});

const post = `POST ${getConcert} HTTP/1.1\r\nContent-Type: application/json\r\n`;
test.each([
  ["an unknown expectation", `${post}Host: a\r\nExpect: x\r\nContent-Length: 2\r\n\r\n{}`, 417, "EXPECTATION_FAILED"],
  [
    "an unknown expectation of a faulty body",
    `${post}Host: a\r\nExpect: x\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n`,
    400,
    "INVALID_REQUEST",
  ],
  ["no Host", `${post}Content-Length: 2\r\n\r\n{}`, 400, "INVALID_REQUEST"],
])("%s is rejected with a problem, and the connection closes", async (_, bytes, status, reason) => {
  const said = await untilClosed(`${bytes}${second}`);
  expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
  expect(said).toContain(`"reason":"${reason}"`);
  for (const header of ["x-content-type-options: nosniff", "cache-control: no-store", "connection: close"]) {
    expect(said.toLowerCase()).toContain(`${header}\r\n`);
  }
});

test("an unknown expectation is rejected over HTTP/2, and the connection stays open", async () => {
  const session = connect(app.baseUrl);
  onTestFinished(() => session.destroy());
  const ask = (more: Record<string, string>) =>
    new Promise<unknown>((resolve) => session.request({ ":path": "/health", ...more }).on("response", resolve));
  expect(await ask({ expect: "x" })).toMatchObject({
    ":status": 417,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  expect(await ask({})).toMatchObject({ ":status": 200 });
});

test("HTTP/1.0 needs no Host", async () => {
  expect(await untilClosed("GET /health HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /);
});

test("chunked bodies are read, and the connection stays open", async () => {
  const connection = openRaw(app.port);
  for (const coding of ["chunked", "Chunked"]) connection.socket.write(request("1.1", coding));
  await expect.poll(() => connection.received().match(/HTTP\/1\.1 \d+/g), { timeout: 20_000 }).toHaveLength(4);
  expect(new Set(connection.received().match(/HTTP\/1\.1 \d+/g))).toEqual(new Set(["HTTP/1.1 200"]));
  connection.socket.destroy();
});

const connectGet = `${getConcert}?encoding=json&message=`;
test.each([
  ["GET", "/api/v1/concerts/1", 200],
  ["POST", "/api/v1/concerts", 201],
  ["GET", "/api/v1/concerts/none", 400],
  ["GET", "/nowhere", 404],
  ["GET", "/api/v1/bookings/1", 404],
  ["DELETE", "/api/v1/concerts/1", 405],
  ["GET", "/api%ff", 400],
  ["POST", getConcert, 200],
  ["PUT", getConcert, 405],
  ["GET", `${connectGet}%7B%22id%22%3A%221%22%7D`, 200],
  ["GET", `${connectGet}%7B`, 400],
  ["GET", "/health", 200],
  ["GET", "/readyz", 503],
  ["OPTIONS", "/api/v1/concerts", 204],
])("%s %s: no sniffing, and no cache keeps an error", async (method, path, status) => {
  const body = method === "POST" ? { body: "{}", headers: jsonType } : {};
  const answer = await sendHttp(app.baseUrl, { method, path, ...body });
  expect([answer.status, answer.headers["x-content-type-options"]]).toEqual([status, "nosniff"]);
  if (status >= 400) expect(answer.headers["cache-control"]).toBe("no-store");
});

test("no cache keeps the response to bytes that are no request", async () => {
  const said = await untilClosed("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: x\r\n\r\n");
  expect(said).toMatch(/^HTTP\/1\.1 400 /);
  expect(said.toLowerCase()).toContain("x-content-type-options: nosniff\r\n");
  expect(said.toLowerCase()).toContain("cache-control: no-store\r\n");
});

test("gRPC and HTTP/2 are answered as usual", async () => {
  const { headers } = await sendGrpc(app.baseUrl, getConcert, envelope(Buffer.of()));
  expect(headers).toMatchObject({ "grpc-status": "0" });
  expect(headers).not.toHaveProperty("x-content-type-options");
  const session = connect(app.baseUrl);
  const stream = session.request({ ":path": "/nowhere" });
  const answered = await new Promise<unknown>((resolve) => stream.on("response", resolve));
  expect(answered).toMatchObject({ ":status": 404, "cache-control": "no-store", "x-content-type-options": "nosniff" });
  session.destroy();
});

/** What HTTP and JSON-RPC have around the tools: hostile and malformed requests, other revisions, origins, and no tools at all. */
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { openRaw } from "./support/network/raw-connection.ts";
import { type McpRequest, modernRequest, postMcp } from "./support/protocols/mcp.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service?.close());

const post = (body: unknown, request: McpRequest = {}) => postMcp(service.baseUrl, body, request);
const ping = { jsonrpc: "2.0", id: 7, method: "ping" };
const call = (name: unknown, args: unknown) => ({
  ...{ jsonrpc: "2.0", id: 7, method: "tools/call" },
  params: { name, arguments: args },
});
const initialize = (protocolVersion: string) => ({
  ...{ jsonrpc: "2.0", id: 7, method: "initialize" },
  params: { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } },
});
describe("revisions of the protocol", () => {
  it.each([
    ["2025-11-25", "2025-11-25"],
    ["2025-06-18", "2025-06-18"],
    // These have batches, or another transport. A client that knows none of ours ends here.
    ["2025-03-26", "2025-11-25"],
    ["2024-11-05", "2025-11-25"],
    ["2099-01-01", "2025-11-25"],
  ])("a client that asks for %s gets %s", async (asked, given) => {
    const { status, body } = await post(initialize(asked));
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: 7, result: { protocolVersion: given, capabilities: { tools: {} } } });
  });

  it("a request may leave out the revision", async () => {
    expect(await post(ping)).toMatchObject({ status: 200, body: { result: {} } });
  });

  it.each(["2025-03-26", "2024-11-05", "1", ""])("a request of the revision %j is refused", async (version) => {
    const { status, body } = await post(ping, { headers: { "mcp-protocol-version": version } });
    expect(status).toBe(400);
    expect(body).toMatchObject({ jsonrpc: "2.0", error: { message: expect.stringContaining("2025-11-25") } });
  });

  it("a request of a revision that comes later names those that are spoken", async () => {
    const { body, headers } = modernRequest("2099-01-01", "tools/list");
    const answer = await post(body, { headers });
    expect(answer).toMatchObject({ status: 400, body: { id: 7, error: { data: { supported: ["2026-07-28"] } } } });
  });

  it("a request whose headers and body differ is refused", async () => {
    const { body, headers } = modernRequest("2026-07-28", "tools/list");
    for (const changed of [{ "mcp-method": "tools/call" }, { "mcp-protocol-version": "2025-11-25" }]) {
      expect((await post(body, { headers: { ...headers, ...changed } })).status).toBe(400);
    }
  });

  it("no stream is opened, since the tools do not change", async () => {
    const { body, headers } = modernRequest("2026-07-28", "subscriptions/listen", {
      notifications: { toolsListChanged: true },
    });
    const answer = await post(body, { headers });
    expect(answer.headers.get("content-type")).toMatch(/^application\/json\b/);
    expect(answer.body).toMatchObject({ id: 7, error: { message: "Subscription limit reached" } });
  });
});

describe("requests that are no call", () => {
  it.each(["GET", "DELETE", "PUT", "PATCH", "HEAD"])("%s is not allowed", async (method) => {
    const response = await fetch(`${service.baseUrl}/mcp`, { method, headers: { accept: "text/event-stream" } });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    if (method !== "HEAD") expect(await response.json()).toMatchObject({ reason: "METHOD_NOT_ALLOWED" });
  });

  it("a notification and a response are accepted without an answer", async () => {
    for (const body of [
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } },
      { jsonrpc: "2.0", id: 7, result: {} },
    ]) {
      expect(await post(body)).toMatchObject({ status: 202, text: "" });
    }
  });

  it.each([
    ["another type", "{}", { "content-type": "text/plain" }, 415],
    ["a compressed body", "{}", { "content-encoding": "gzip" }, 415],
    ["a body that is too large", " ".repeat(65_537), {}, 413],
    ["a client that reads no JSON", JSON.stringify(ping), { accept: "text/html" }, 406],
  ])("%s is refused by HTTP", async (_, body, headers, status) => {
    expect((await post(body, { headers })).status).toBe(status);
  });

  it("a body that never ends is refused at the limit", async () => {
    const raw = openRaw(Number(new URL(service.baseUrl).port));
    raw.socket.write(
      "POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const piece = " ".repeat(0x4000);
    for (let sent = 0; sent < 5; sent++) raw.socket.write(`4000\r\n${piece}\r\n`);
    await raw.waitFor('"reason":"REQUEST_TOO_LARGE"');
    raw.socket.destroy();
  });

  it.each([
    ["an empty body", "", -32_700, "not valid JSON"],
    ["half a message", '{"jsonrpc":', -32_700, "not valid JSON"],
    ["broken UTF-8", Uint8Array.of(0x22, 0xff, 0x22), -32_700, "UTF-8"],
    ["a repeated key", '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32_600, "given more than once"],
    [
      "an object with 201 keys",
      JSON.stringify({ a: Object.fromEntries([...Array(201).keys()].map((key) => [key, 0])) }),
      ...([-32_600, "more than 200 keys"] as const),
    ],
    ["a batch", [ping, ping], -32_600, "not a batch"],
    ["an empty batch", [], -32_600, "not a batch"],
  ])("%s is refused as no message", async (_, body, code, message) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      ...{ jsonrpc: "2.0", id: null },
      error: { code, message: expect.stringContaining(message) },
    });
  });

  it.each([
    ["null", null],
    ["a number", 7],
    ["no method", { jsonrpc: "2.0", id: 7 }],
    ["another version of JSON-RPC", { ...ping, jsonrpc: "1.0" }],
    ["an id that is an object", { ...ping, id: {} }],
    ["parameters that are a list", { ...ping, params: [] }],
    ["a prototype", '{"jsonrpc":"2.0","id":7,"method":"ping","params":[],"__proto__":{"method":"ping"}}'],
  ])("%s is refused", async (_, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ jsonrpc: "2.0", error: { code: expect.any(Number) } });
  });

  it.each([
    ["a method that does not exist", { ...ping, method: "evil/method" }],
    ["a method that is not offered", { ...ping, method: "resources/list" }],
    ["a tool that does not exist", call("evil", {})],
    ["a tool by the name of a property", call("constructor", {})],
    ["a tool by no name", call(undefined, {})],
    ["a tool by a name of 60,000 characters", call("x".repeat(60_000), {})],
    ["arguments that are a list", call("get_concert", [])],
    ["arguments that are a text", call("get_concert", "id")],
  ])("%s is an error of the protocol", async (_, body) => {
    const answer = await post(body);
    expect(answer.body).toMatchObject({ jsonrpc: "2.0", id: 7, error: { code: expect.any(Number) } });
    expect(answer.text.length).toBeLessThan(2_000);
  });

  it.each([
    ["no arguments", undefined, "id"],
    ["an argument that the tool does not have", { id: "1", evil: true }, "evil"],
    ["an argument by both of its names", { concert_id: "1", concertId: "1" }, "concert_id"],
    ["an argument of another type", { id: { $gt: 0 } }, "id"],
    ["arguments that are nested deeply", { id: JSON.parse("[".repeat(5_000) + "]".repeat(5_000)) }, "id"],
  ])("%s is an error of the tool, for the assistant to read", async (_, args, field) => {
    const tool = args && "concert_id" in args ? "book_tickets" : "get_concert";
    const { body } = await post(call(tool, args));
    expect(body).toMatchObject({ id: 7, result: { isError: true } });
    const [, details] = body.result.content;
    expect(JSON.parse(details.text)).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field }] });
  });

  it("a tool that changes something refuses a call without a request_id", async () => {
    const { id } = await createStage(service.baseUrl).concert();
    const args = { concert_id: String(id), user_id: "nora", ticket_count: 1 };
    const { body } = await post(call("book_tickets", args));
    expect(body.result.content[0].text).toBe(
      "request_id: must be a UUID: a new one for each request, the same one to repeat it",
    );
    const headers = { "idempotency-key": "0b6bd49a-7b42-4b9e-9a51-3f5f0b8b6c11" };
    const keyed = await post(call("book_tickets", args), { headers });
    expect(keyed.body.result.structuredContent).toMatchObject({ ticket_count: 1 });
  });

  it("publishes refusals to the log, and no error", async () => {
    await using logged = await startTestService({}, service.database, "debug");
    for (const body of ["{", [ping], { ...ping, params: [] }]) await postMcp(logged.baseUrl, body);
    await postMcp(logged.baseUrl, call("get_concert", { evil: 1 }));
    const lines = logged.lines.map((line) => JSON.parse(line)).filter(({ route }) => route === "/mcp");
    expect(lines).toHaveLength(4);
    expect(lines.map(({ code }) => code)).toEqual(Array(4).fill("InvalidArgument"));
    expect(lines.filter(({ level }) => level !== "debug")).toEqual([]);
  });
});

describe("pages", () => {
  const fromPage = async (url: string, origin: string, headers: Record<string, string> = {}) => {
    const { status, body } = await postMcp(url, ping, { headers: { origin, ...headers } });
    return status === 200 ? "allowed" : [status, body.reason];
  };
  const refused = [403, "ORIGIN_NOT_ALLOWED"];
  let listed: TestService;
  beforeAll(async () => {
    listed = await startTestService({ APP_CORS_ORIGINS: "https://shop.example" }, service.database);
  });
  afterAll(() => listed?.close());

  test.each([
    ["http://localhost:3000", "allowed"],
    ["http://127.0.0.1", "allowed"],
    ["http://[::1]:8080", "allowed"],
    ["https://shop.example", "allowed"],
    ["HTTPS://Shop.Example:443", "allowed"],
    ["https://user@shop.example", refused],
    ["https://shop.example.evil.example", refused],
    ["http://shop.example", refused],
    ["https://evil.example", refused],
    ["http://localhost.evil.example", refused],
    ["http://evil.example/localhost", refused],
    ["null", refused],
    ["", refused],
  ])("of %j that call without tokens: %j", async (origin, expected) => {
    expect(await fromPage(listed.baseUrl, origin)).toEqual(expected);
  });

  test("of any other machine are refused without tokens, even if every origin may use the API", async () => {
    expect(await fromPage(service.baseUrl, "https://evil.example")).toEqual(refused);
    const { port } = new URL(service.baseUrl);
    const host = `evil.example:${port}`;
    const raw = openRaw(Number(port));
    const body = JSON.stringify(ping);
    const head = ["POST /mcp HTTP/1.1", `Host: ${host}`, `Origin: http://${host}`, "Content-Type: application/json"];
    raw.socket.write([...head, `Content-Length: ${body.length}`, "", body].join("\r\n"));
    await raw.waitFor("ORIGIN_NOT_ALLOWED");
    raw.socket.destroy();
  });

  test("may send the protocol's headers", async () => {
    const response = await fetch(`${service.baseUrl}/mcp`, {
      method: "OPTIONS",
      headers: { origin: "http://localhost:6274", "access-control-request-method": "POST" },
    });
    expect(response.status).toBe(204);
    const allowed = response.headers.get("access-control-allow-headers")?.toLowerCase() ?? "";
    for (const name of ["mcp-protocol-version", "mcp-method", "mcp-name", "authorization"]) {
      expect(allowed.split(/, */)).toContain(name);
    }
  });
});

test("there is nothing at /mcp with APP_MCP=false", async () => {
  await using off = await startTestService({ APP_MCP: "false" }, service.database);
  expect(await postMcp(off.baseUrl, ping)).toMatchObject({ status: 404, body: { reason: "ROUTE_NOT_FOUND" } });
  const metadata = await fetch(`${off.baseUrl}/.well-known/oauth-protected-resource/mcp`);
  expect(metadata.status).toBe(404);
});

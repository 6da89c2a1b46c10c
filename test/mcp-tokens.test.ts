/** Tokens of assistants: how a client finds out where to get one, and what it may do with it. */
import { randomUUID } from "node:crypto";
import {
  Client,
  ClientCredentialsProvider,
  discoverOAuthProtectedResourceMetadata,
  InsufficientScopeError,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAuthorizationServer } from "./support/auth/authorization-server.ts";
import { bearer, createTokenIssuer, issuer as issuerUrl, type TokenIssuer, trusting } from "./support/auth/tokens.ts";
import { openRaw } from "./support/network/raw-connection.ts";
import { connectMcp, errorIn, postMcp } from "./support/protocols/mcp.ts";
import { type Settings, startTestService, type TestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

let issuer: TokenIssuer;
let service: TestService;
/** Creates what the callers find. */
let open: TestService;

beforeAll(async () => {
  issuer = await createTokenIssuer();
  service = await startTestService(trusting(issuer));
  open = await startTestService({}, service.database);
});
afterAll(async () => {
  await open?.close();
  await service?.close();
});

const restart = (changes: Settings) => startTestService(trusting(issuer, changes), service.database);
const connectAs = async (sub: string, scope: string) =>
  connectMcp(service.baseUrl, { headers: bearer(await issuer.sign({ sub, scope })) });
const listBookings = {
  ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
  params: { name: "list_bookings", arguments: {} },
};
const scopes = "bookings:read bookings:write";

test("a client without a token lists the tools and uses those that need none", async () => {
  const { id } = await createStage(open.baseUrl).concert();
  await using mcp = await connectMcp(service.baseUrl);
  expect((await mcp.client.listTools()).tools).toHaveLength(8);
  expect(mcp.client.getInstructions()).not.toContain("user_id");
  expect((await mcp.call("get_concert", { id: String(id) })).structuredContent).toMatchObject({ id: String(id) });
});

test("a client books, holds, confirms, releases, lists and cancels for the subject of its token", async () => {
  const concert_id = String((await createStage(open.baseUrl).concert()).id);
  await using mcp = await connectAs("ada", scopes);
  const order = () => ({ concert_id, ticket_count: 1, request_id: randomUUID() });
  const idOf = async (call: Promise<{ structuredContent?: unknown }>) =>
    (await call).structuredContent as { id: string; user_id: string; status: string };
  const booking = await idOf(mcp.call("book_tickets", order()));
  expect(booking).toMatchObject({ user_id: "ada", status: "BOOKING_STATUS_CONFIRMED" });
  const held = await idOf(mcp.call("hold_tickets", order()));
  expect(await idOf(mcp.call("confirm_hold", { id: held.id }))).toMatchObject({ status: "BOOKING_STATUS_CONFIRMED" });
  const other = await idOf(mcp.call("hold_tickets", order()));
  expect(await idOf(mcp.call("release_hold", { id: other.id }))).toMatchObject({ status: "BOOKING_STATUS_RELEASED" });
  await mcp.call("cancel_booking", { id: booking.id, request_id: randomUUID() });
  const { structuredContent } = await mcp.call("list_bookings");
  expect(structuredContent).toMatchObject({
    bookings: [
      { id: held.id, status: "BOOKING_STATUS_CONFIRMED" },
      { id: booking.id, status: "BOOKING_STATUS_CANCELLED" },
    ],
  });
});

test("what a token for oneself does not allow is an error for the assistant, not a challenge", async () => {
  const stage = createStage(open.baseUrl);
  const { id } = await stage.booking(await stage.concert());
  await using mcp = await connectAs("mallory", scopes);
  const cancelled = await mcp.call("cancel_booking", { id: String(id), request_id: randomUUID() });
  expect(errorIn(cancelled)).toMatchObject({ code: "PERMISSION_DENIED", reason: "NOT_BOOKING_OWNER" });
  const listed = await mcp.call("list_bookings", { user_id: "nora" });
  expect(errorIn(listed)).toMatchObject({ reason: "MISSING_SCOPE", metadata: { scope: "bookings:admin" } });
});

describe("a challenge", () => {
  const metadata = () => `${service.baseUrl}/.well-known/oauth-protected-resource/mcp`;

  test("without a token asks for all scopes of the tools, and names the metadata", async () => {
    const { status, headers, body } = await postMcp(service.baseUrl, listBookings);
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe(`Bearer scope="${scopes}", resource_metadata="${metadata()}"`);
    expect(body).toMatchObject({ id: 1, result: { isError: true } });
  });

  test("with an expired token says so", async () => {
    const token = await issuer.sign({ sub: "ada", scope: scopes, exp: 1 });
    const { status, headers } = await postMcp(service.baseUrl, listBookings, { headers: bearer(token) });
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe(
      `Bearer error="invalid_token", error_description="the token has expired", scope="${scopes}", resource_metadata="${metadata()}"`,
    );
  });

  test("with a token that lacks a scope names it, which the client tells its host", async () => {
    await using mcp = await connectAs("ada", "bookings:read");
    expect((await mcp.call("list_bookings")).isError).toBeUndefined();
    const order = { concert_id: "1", ticket_count: 1, request_id: randomUUID() };
    const error = await mcp.call("book_tickets", order).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InsufficientScopeError);
    expect(error).toMatchObject({ requiredScope: "bookings:write", resourceMetadataUrl: new URL(metadata()) });
  });

  test.each([
    ["a host that would end the header's quotes", 'evil.example"'],
    ["a host with a path", "evil.example/x"],
    ["a host with user information", "a@evil.example"],
  ])("to %s does not name the metadata", async (_, host) => {
    await using behind = await restart({ APP_TRUSTED_PROXIES: "127.0.0.1" });
    const { status, headers } = await postMcp(behind.baseUrl, listBookings, { headers: { "x-forwarded-host": host } });
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe(`Bearer scope="${scopes}"`);
  });
});

describe("the metadata of the protected resource", () => {
  test("is found by the client, at the path of the tools and at the root", async () => {
    const expected = {
      resource: `${service.baseUrl}/mcp`,
      authorization_servers: [issuerUrl],
      scopes_supported: scopes.split(" "),
      bearer_methods_supported: ["header"],
      resource_name: "Frontrow",
    };
    expect(await discoverOAuthProtectedResourceMetadata(`${service.baseUrl}/mcp`)).toEqual(expected);
    const response = await fetch(`${service.baseUrl}/.well-known/oauth-protected-resource`);
    expect([response.status, await response.json()]).toEqual([200, { ...expected, resource: service.baseUrl }]);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });

  const resourceAt = async ({ baseUrl }: TestService, headers: Record<string, string> = {}) =>
    (await (await fetch(`${baseUrl}/.well-known/oauth-protected-resource/mcp`, { headers })).json()).resource;

  test("has the URL that clients use, behind a trusted proxy only", async () => {
    const forwarded = { "x-forwarded-proto": "https", "x-forwarded-host": "tickets.example.org" };
    expect(await resourceAt(service, forwarded)).toBe(`${service.baseUrl}/mcp`);
    await using behind = await restart({ APP_TRUSTED_PROXIES: "127.0.0.1" });
    expect(await resourceAt(behind, forwarded)).toBe("https://tickets.example.org/mcp");
  });

  test("is refused to a request that names no host", async () => {
    const { port } = new URL(service.baseUrl);
    for (const host of ["Host: a@b", "Host:"]) {
      for (const path of ["", "/mcp"]) {
        const raw = openRaw(Number(port));
        raw.socket.write(`GET /.well-known/oauth-protected-resource${path} HTTP/1.1\r\n${host}\r\n\r\n`);
        await raw.waitFor("the request names no host");
        raw.socket.destroy();
      }
    }
  });

  test("has no authorization server if the issuer is no URL", async () => {
    await using named = await restart({ APP_AUTH_ISSUER: "frontrow-issuer" });
    const response = await fetch(`${named.baseUrl}/.well-known/oauth-protected-resource/mcp`);
    expect(await response.json()).not.toHaveProperty("authorization_servers");
  });

  test("does not exist where no tokens are verified", async () => {
    const response = await fetch(`${open.baseUrl}/.well-known/oauth-protected-resource/mcp`);
    expect(response.status).toBe(404);
  });
});

test("the audiences of tokens may be several: the API's and the resource of assistants", async () => {
  const [api, resource] = ["https://tickets.example.org", "https://tickets.example.org/mcp"];
  await using both = await restart({ APP_AUTH_AUDIENCE: `${api},${resource}` });
  const statusFor = async (aud: string) => {
    const token = await issuer.sign({ sub: "ada", scope: scopes, aud });
    return (await postMcp(both.baseUrl, listBookings, { headers: bearer(token) })).status;
  };
  expect([await statusFor(api), await statusFor(resource)]).toEqual([200, 200]);
  expect(await statusFor(`${api},${resource}`)).toBe(401);
});

test("a client that knows only the URL and its credentials gets a token, and books", async () => {
  await using server = await startAuthorizationServer(issuer);
  await using trustingIt = await restart({ APP_AUTH_ISSUER: server.issuer });
  const { id } = await createStage(open.baseUrl).concert();
  const credentials = { clientId: "robot", clientSecret: "secret", expectedIssuer: server.issuer };
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
  const authProvider = new ClientCredentialsProvider(credentials);
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", trustingIt.baseUrl), { authProvider }));
  const args = { concert_id: String(id), ticket_count: 1, request_id: randomUUID() };
  const { structuredContent } = await client.callTool({ name: "book_tickets", arguments: args });
  expect(structuredContent).toMatchObject({ user_id: "robot", status: "BOOKING_STATUS_CONFIRMED" });
  const asked = { grant_type: "client_credentials", scope: scopes, resource: `${trustingIt.baseUrl}/mcp` };
  expect(server.requests).toEqual([asked]);
  await client.close();
});

describe("pages with tokens", () => {
  let listed: TestService;
  beforeAll(async () => {
    listed = await restart({ APP_CORS_ORIGINS: "https://shop.example", APP_TRUSTED_PROXIES: "127.0.0.1" });
  });
  afterAll(() => listed?.close());
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  test.each([
    ["any origin, by default", () => service, "https://anywhere.example", 200],
    ["a listed origin", () => listed, "https://shop.example", 200],
    ["a listed origin with its port", () => listed, "https://shop.example:443", 200],
    ["an origin that is not listed", () => listed, "https://evil.example", 403],
  ])("may be of %s", async (_, called, origin, status) => {
    expect((await postMcp(called().baseUrl, list, { headers: { origin } })).status).toBe(status);
  });

  test.each([
    ["https://tickets.example.org", "tickets.example.org", 200],
    ["https://TICKETS.example.org", "tickets.example.org", 200],
    ["https://tickets.example.org", "tickets.example.org:443", 200],
    ["http://tickets.example.org", "tickets.example.org:443", 403],
    ["https://a@tickets.example.org", "tickets.example.org", 403],
    ["https://tickets.example.org", "", 403],
    ["null", "null", 403],
  ])("may be of the service's own host: %s at %j: %i", async (origin, host, status) => {
    const headers = { origin, ...(host !== "" && { "x-forwarded-host": host }) };
    expect((await postMcp(listed.baseUrl, list, { headers })).status).toBe(status);
  });
});

/** Requests to /mcp that start no call: they count as reads of their caller, and their tokens are verified. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bearer, createTokenIssuer, type TokenIssuer, trusting } from "./support/auth/tokens.ts";
import { type McpRequest, modernRequest, postMcp } from "./support/protocols/mcp.ts";
import { serveApp } from "./support/service/served-app.ts";
import { type Settings, startTestService, type TestService } from "./support/service/service.ts";

let issuer: TokenIssuer;
/** Each caller has two reads a minute, and its address enough for all tests with bad tokens. */
let service: TestService;

beforeAll(async () => {
  issuer = await createTokenIssuer();
  service = await start({ APP_RATE_LIMIT_ADDRESS_FACTOR: "100" });
});
afterAll(() => service?.close());

function start(changes: Settings, database?: TestService["database"]) {
  return startTestService(trusting(issuer, { APP_RATE_LIMIT_READS: "2", ...changes }), database);
}

const scopes = "bookings:read bookings:write";
const tokenOf = async (sub: string) => bearer(await issuer.sign({ sub, scope: scopes }));
const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
const listBookings = {
  ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
  params: { name: "list_bookings", arguments: {} },
};
const { body: modernCall, headers: modernHeaders } = modernRequest("2026-07-28", "tools/call", listBookings.params);
const { "mcp-method": _, ...withoutMethod } = modernHeaders;

describe("a request that names a tool but starts no call counts, and its token is verified", () => {
  test.each<[string, number, object, McpRequest["headers"]]>([
    ["of an unknown revision", 400, listBookings, { "mcp-protocol-version": "1" }],
    ["whose client reads no streams", 406, listBookings, { accept: "application/json" }],
    ["that is a notification", 202, { ...listBookings, id: undefined }, {}],
    ["whose id is no number of a request", 400, { ...listBookings, id: 1.5 }, {}],
    ["of another JSON-RPC", 400, { ...listBookings, jsonrpc: "1.0" }, {}],
    ["without its method in the header", 400, modernCall, { ...withoutMethod, "mcp-name": "list_bookings" }],
    ["without its tool in the header", 400, modernCall, modernHeaders],
    ["with another tool in the header", 400, modernCall, { ...modernHeaders, "mcp-name": "book_tickets" }],
    [
      "whose arguments cannot be decoded",
      200,
      { ...listBookings, params: { name: "list_bookings", arguments: { evil: 1 } } },
      {},
    ],
  ])("%s: %i", async (_what, status, body, sent) => {
    const send = (token: Record<string, string>) => postMcp(service.baseUrl, body, { headers: { ...sent, ...token } });
    const token = await tokenOf(randomUUID());
    for (const remaining of ["1", "0"]) {
      const { headers, ...answer } = await send(token);
      expect([answer.status, headers.get("ratelimit-remaining")]).toEqual([status, remaining]);
    }
    expect(await send(token)).toMatchObject({ status: 429, body: { reason: "RATE_LIMITED" } });
    expect(await send(bearer("a.b.c"))).toMatchObject({ status: 401, body: { reason: "UNAUTHENTICATED" } });
  });
});

test("a call that starts counts once", async () => {
  const headers = await tokenOf(randomUUID());
  for (const remaining of ["1", "0"]) {
    const called = await postMcp(service.baseUrl, listBookings, { headers });
    expect([called.status, called.headers.get("ratelimit-remaining")]).toEqual([200, remaining]);
  }
});

test("an error that no code expects is published with its cause", async () => {
  const admit = () => Promise.reject(new Error("the store of the limits is broken"));
  await using app = await serveApp({}, { admit });
  const answer = await postMcp(app.baseUrl, list);
  expect(answer).toMatchObject({ status: 500, body: { reason: "INTERNAL" } });
  expect(answer.text).not.toContain("broken");
  const error = expect.objectContaining({ message: "the store of the limits is broken" });
  expect(app.logged).toContainEqual(expect.objectContaining({ level: "error", route: "/mcp", err: error }));
});

describe("a request that calls no tool", () => {
  test("counts as a read of its caller", async () => {
    await using limited = await start({ APP_RATE_LIMIT_ADDRESS_FACTOR: "2" }, service.database);
    const headers = bearer(await issuer.sign({ sub: "ada", scope: scopes }));
    const listed = await postMcp(limited.baseUrl, list, { headers });
    expect([listed.status, listed.headers.get("ratelimit-remaining")]).toEqual([200, "1"]);
    const called = await postMcp(limited.baseUrl, listBookings, { headers });
    expect([called.status, called.headers.get("ratelimit-remaining")]).toEqual([200, "0"]);
    const refused = await postMcp(limited.baseUrl, list, { headers });
    expect(refused).toMatchObject({ status: 429, body: { reason: "RATE_LIMITED" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    // An unknown tool is none.
    const unknown = { ...listBookings, params: { name: "evil", arguments: {} } };
    expect((await postMcp(limited.baseUrl, unknown, { headers })).status).toBe(429);
    // The address has its own limit, which bad tokens use up.
    const bad = { headers: bearer("a.b.c") };
    const statuses = [];
    for (let count = 0; count < 5; count++) statuses.push((await postMcp(limited.baseUrl, list, bad)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 429]);
    expect((await postMcp(limited.baseUrl, list)).status).toBe(429);
  });

  test("with an invalid token is refused with a challenge, as a call would be", async () => {
    const { status, headers, body } = await postMcp(service.baseUrl, list, { headers: bearer("a.b.c") });
    expect([status, body.reason]).toEqual([401, "UNAUTHENTICATED"]);
    expect(headers.get("www-authenticate")).toBe(
      `Bearer error="invalid_token", error_description="the token is not valid", scope="${scopes}", resource_metadata="${service.baseUrl}/.well-known/oauth-protected-resource/mcp"`,
    );
  });
});

/** If-None-Match and If-Match on reads, and If-Match on writes without a version. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { bearer, createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { noCache, startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlightJson, type Stage } from "./support/service/stage.ts";
import { jsonType, sendHttp } from "./support/wire/http.ts";

let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService();
  stage = createStage(service.baseUrl);
});
afterAll(() => service?.close());

type Headers = Record<string, string>;

const get = (id: bigint, headers: Headers = {}) =>
  fetch(`${service.baseUrl}/api/v1/concerts/${id}`, { headers: { ...noCache.headers, ...headers } });

describe("If-None-Match on a read", () => {
  const origin = "https://tickets.example";

  test.each(["GET", "HEAD"])("by %s is compared weakly, with each tag of a list", async (method) => {
    const { id } = await stage.concert();
    const url = `${service.baseUrl}/api/v1/concerts/${id}`;
    const etag = (await fetch(url, { method })).headers.get("etag") ?? "";
    expect(etag).toBe((await get(id)).headers.get("etag"));
    const ask = async (tags: string) => (await fetch(url, { method, headers: { "If-None-Match": tags } })).status;
    for (const tags of ["*", " * ", etag, `W/${etag}`, `"a,b", ${etag}`, `"a",,W/"b" ,${etag},`]) {
      expect([tags, await ask(tags)]).toEqual([tags, 304]);
    }
    const inner = etag.slice(1, -1);
    for (const tags of ['""', '"other"', inner, `"a,${inner}"`, `"a, ${etag}`, `*, "a"`, "", ",", `w/${etag}`]) {
      expect([tags, await ask(tags)]).toEqual([tags, 200]);
    }
  });

  test.each(["GET", "HEAD"])("by %s is looked at after If-Match", async (method) => {
    const { id } = await stage.concert();
    const ask = async (headers: Headers) =>
      (await fetch(`${service.baseUrl}/api/v1/concerts/${id}`, { method, headers })).status;
    expect(await ask({ "If-Match": '"2-x"', "If-None-Match": "*" })).toBe(412);
    expect(await ask({ "If-Match": '"1-x"', "If-None-Match": "*" })).toBe(304);
    expect(await ask({ "If-Match": '"1-x"', "If-None-Match": '"x"' })).toBe(200);
  });

  test("does not hide a 404", async () => {
    for (const headers of [{ "If-None-Match": "*" }, { "If-Match": "*" }, { "If-Match": '"1-x"' }]) {
      expect((await get(999_999n, headers)).status).toBe(404);
    }
  });

  test.each(["GET", "HEAD"])("is answered with the headers of a 200 to %s that are for caches", async (method) => {
    const booking = await stage.booking(await stage.concert());
    const url = `${service.baseUrl}/api/v1/bookings/${booking.id}`;
    const full = await fetch(url, { method, headers: { origin } });
    const etag = full.headers.get("etag") ?? "";
    const unchanged = await fetch(url, { method, headers: { origin, "If-None-Match": etag } });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, ""]);
    for (const name of ["etag", "cache-control", "vary", "access-control-allow-origin"]) {
      expect([name, unchanged.headers.get(name)]).toEqual([name, full.headers.get(name)]);
    }
    expect(unchanged.headers.get("cache-control")).toBe("private, no-cache");
    for (const name of ["content-length", "content-type"]) expect(unchanged.headers.has(name)).toBe(false);
  });

  test("is the only precondition of a read: no date is compared", async () => {
    const { id } = await stage.concert();
    const later = new Date(Date.now() + 86_400_000).toUTCString();
    expect((await get(id, { "If-Modified-Since": later })).status).toBe(200);
    expect((await get(id, { "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT" })).status).toBe(200);
  });
});

describe("If-Match elsewhere", () => {
  const failed = { status: 412, code: "FAILED_PRECONDITION", reason: "PRECONDITION_FAILED" };

  test("on GET is compared with the current ETag", async () => {
    const { id } = await stage.concert();
    const other = await get(id, { "If-Match": '"2-x"' });
    expect(other.status).toBe(412);
    expect(await other.json()).toMatchObject(failed);
    for (const tags of ['"01-x"', '"0000000001-x"']) expect((await get(id, { "If-Match": tags })).status).toBe(412);
    for (const tags of ["*", '"1-x"', 'W/"1-x"']) expect((await get(id, { "If-Match": tags })).status).toBe(200);
    const list = `${service.baseUrl}/api/v1/bookings?user_id=unknown`;
    const { headers } = await fetch(list);
    const etag = headers.get("etag") ?? "";
    expect((await fetch(list, { headers: { "If-Match": etag } })).status).toBe(200);
    expect((await fetch(list, { headers: { "If-Match": `W/${etag}` } })).status).toBe(412);
  });

  test.each(["*", '"1-x"'])("on a change that compares nothing is refused: %s", async (tags) => {
    const concert = await stage.concert();
    const booking = await stage.booking(concert);
    const order = { concert_id: String(concert.id), user_id: "nora", ticket_count: 1 };
    const calls: [path: string, body: object][] = [
      ["/api/v1/concerts", moonlightJson],
      ["/api/v1/bookings", order],
      [`/api/v1/bookings/${booking.id}/cancel`, { user_id: "nora" }],
    ];
    for (const [path, body] of calls) {
      const headers = { ...jsonType, "if-match": tags };
      const { status, text } = await sendHttp(service.baseUrl, { path, headers, body: JSON.stringify(body) });
      expect([path, status, JSON.parse(text)]).toEqual([path, 412, expect.objectContaining(failed)]);
    }
    expect(await (await get(concert.id)).json()).toMatchObject({ available_tickets: 98 });
  });

  test("does not hide an earlier reason to reject a write", async () => {
    const issuer = await createTokenIssuer();
    const guarded = await startTestService(trusting(issuer, { APP_RATE_LIMIT_BOOKINGS: "4" }));
    onTestFinished(() => guarded.close());
    const book = async (body: object, headers: Headers) =>
      (
        await sendHttp(guarded.baseUrl, {
          path: "/api/v1/bookings",
          headers: { ...jsonType, "if-match": "*", ...headers },
          body: JSON.stringify(body),
        })
      ).status;
    const token = bearer(await issuer.sign({ sub: "nora", scope: "bookings:write" }));
    const reader = bearer(await issuer.sign({ sub: "nora", scope: "bookings:read" }));
    const order = { concert_id: "1", ticket_count: 1 };
    expect(await book(order, {})).toBe(401);
    expect(await book(order, reader)).toBe(403);
    expect(await book({ ...order, ticket_count: 0 }, token)).toBe(400);
    expect(await book(order, token)).toBe(412);
    expect(await book(order, token)).toBe(412);
    expect(await book(order, token)).toBe(429);
  });
});

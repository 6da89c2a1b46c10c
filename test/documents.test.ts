/** The OpenAPI document and its page, as HTTP serves them. `npm run test:openapi` is about what the document says. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { projectRoot } from "./support/project-root.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { startTestService } from "./support/service/service.ts";

const documents = [
  ["/openapi.json", "application/json; charset=utf-8"],
  ["/openapi.yaml", "application/yaml"],
] as const;
const page = [
  ["/docs", "text/html; charset=utf-8"],
  ["/docs/page.js", "text/javascript; charset=utf-8"],
  ["/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
  ["/docs/swagger-ui.css", "text/css; charset=utf-8"],
] as const;
const served = [...documents, ...page];

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app.close());

const ask = (path: string, init: RequestInit = {}) => fetch(`${app.baseUrl}${path}`, { redirect: "manual", ...init });

test.each(documents)("%s is the generated file", async (path) => {
  const answer = await ask(path);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe(readFileSync(join(projectRoot, "gen", "openapi", path), "utf8"));
});

test.each(served)("%s has its type, a tag, and is asked for again each time", async (path, type) => {
  const { status, headers } = await ask(path);
  expect([status, headers.get("content-type")]).toEqual([200, type]);
  expect(headers.get("cache-control")).toBe("public, no-cache");
  expect(headers.get("etag")).toMatch(/^"[\w-]+"$/);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});

test.each(served)("%s is not sent again to a client that has it", async (path) => {
  const etag = (await ask(path)).headers.get("etag") ?? "";
  for (const [sent, status] of [
    [etag, 304],
    [`W/${etag}, "other"`, 304],
    ["*", 304],
    ['"other"', 200],
  ] as const) {
    const answer = await ask(path, { headers: { "if-none-match": sent } });
    expect([sent, answer.status, answer.headers.get("etag")]).toEqual([sent, status, etag]);
    expect((await answer.text()) === "").toBe(status === 304);
  }
});

test.each(served)("HEAD %s has the headers of GET and no body", async (path, type) => {
  const plain = { "accept-encoding": "identity" };
  const length = Buffer.byteLength(await (await ask(path, { headers: plain })).text());
  const answer = await ask(path, { method: "HEAD", headers: plain });
  const { status, headers } = answer;
  expect([status, headers.get("content-type"), headers.get("content-length")]).toEqual([200, type, String(length)]);
  expect(await answer.text()).toBe("");
});

test.each(served)("%s is compressed for a client that takes gzip, under another tag", async (path) => {
  const plain = await ask(path, { headers: { "accept-encoding": "identity" } });
  const gzip = await ask(path, { headers: { "accept-encoding": "br, gzip;q=0.5" } });
  expect([plain, gzip].map(({ headers }) => headers.get("content-encoding"))).toEqual([null, "gzip"]);
  for (const { headers } of [plain, gzip]) expect(headers.get("vary")).toBe("Accept-Encoding");
  const sizes = [plain, gzip].map(({ headers }) => Number(headers.get("content-length")));
  expect(sizes[0]).toBeGreaterThan(sizes[1] ?? Number.POSITIVE_INFINITY);
  expect(await gzip.text()).toBe(await plain.text());
  const [etag = "", other] = [plain, gzip].map(({ headers }) => headers.get("etag") ?? "");
  expect(other).not.toBe(etag);
  expect((await ask(path, { headers: { "if-none-match": etag } })).status).toBe(200);
});

test.each([
  ["*", "gzip"],
  ["GZIP", "gzip"],
  ["gzip;q=0, *", null],
  ["gzip; q=0.000", null],
  ["*;q=0", null],
  ["deflate, br", null],
  ["gzip;q=x", null],
  ["", null],
])("Accept-Encoding: %s is answered with the encoding %s", async (accepted, encoding) => {
  const { headers } = await ask("/openapi.json", { headers: { "accept-encoding": accepted } });
  expect(headers.get("content-encoding")).toBe(encoding);
});

test("the other names in Vary stay", async () => {
  await using other = await serveApp({}, { corsOrigins: ["https://shop.example"] });
  const { headers } = await fetch(`${other.baseUrl}/openapi.json`, { headers: { origin: "https://shop.example" } });
  expect(headers.get("vary")).toBe("Origin, Accept-Encoding");
});

test("each request for a document counts as a read of its caller", async () => {
  const paths = [...served.map(([path]) => path), "/docs/"];
  const limits = { APP_RATE_LIMIT_READS: String(paths.length), APP_RATE_LIMIT_ADDRESS_FACTOR: "1" };
  await using limited = await startTestService(trusting(await createTokenIssuer(), limits));
  const get = (path: string) => fetch(`${limited.baseUrl}${path}`, { redirect: "manual" });
  for (const [index, path] of paths.entries()) {
    expect((await get(path)).headers.get("ratelimit-remaining")).toBe(String(paths.length - index - 1));
  }
  for (const path of paths) {
    const { status, headers } = await get(path);
    expect([path, status, headers.get("cache-control")]).toEqual([path, 429, "no-store"]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
});

test("the page allows no inline scripts or styles, no other hosts and no frames", async () => {
  const { headers } = await ask("/docs");
  expect(headers.get("content-security-policy")).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
});

test("the page with a slash leads to the page without one, whose links are relative to it", async () => {
  const answer = await ask("/docs/");
  expect([answer.status, answer.headers.get("location")]).toEqual([308, "../docs"]);
});

test.each([
  ["GET", "/"],
  ["GET", "/docs/swagger-ui.js"],
  ["GET", "/docs/../package.json"],
  ["GET", "/docs/..%2fpage.html"],
  ["POST", "/openapi.json"],
])("%s %s is answered 404", async (method, path) => {
  // Not by fetch, which removes what leads out of a folder.
  const [answer] = await once(request(app.baseUrl, { method, path }).end(), "response");
  answer.resume();
  expect([answer.statusCode, answer.headers["content-type"]]).toEqual([404, "application/problem+json; charset=utf-8"]);
});

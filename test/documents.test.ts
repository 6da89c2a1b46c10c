/** The OpenAPI document and its page, as HTTP serves them. `npm run test:openapi` is about what the document says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { projectRoot } from "./support/service/service.ts";

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
  const length = Buffer.byteLength(await (await ask(path)).text());
  const answer = await ask(path, { method: "HEAD" });
  const { status, headers } = answer;
  expect([status, headers.get("content-type"), headers.get("content-length")]).toEqual([200, type, String(length)]);
  expect(await answer.text()).toBe("");
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
  const answer = await ask(path, { method });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json; charset=utf-8"]);
});

/** The documents' TypeScript for pages, in Chromium, from another origin than the service's. `npm test` runs it in Node.js. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servePage } from "../../examples/browser/serve.ts";
import { findChromium, launchChromium } from "../clients/support/chromium.ts";
import { openReadersService, type ReadersService } from "./support/service.ts";
import { nameOf, snippetsOf } from "./support/snippets.ts";
import { createModuleFolder } from "./support/typescript.ts";

const executable = findChromium({ skipped: "the documents' pages" });
const snippets = snippetsOf("ts calls").filter(({ text }) => text.includes("@connectrpc/connect-web"));

const shared = new AsyncDisposableStack();
let browser: Browser;
let service: ReadersService;

beforeAll(async () => {
  if (!executable) return;
  browser = shared.adopt(await launchChromium(executable), (opened) => opened.close());
  service = shared.use(await openReadersService());
});
afterAll(() => shared.disposeAsync());

/** Runs the text as the script of a page. Resolves with the errors of the page, empty if the script has reached its end. */
async function runInPage(text: string): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await createModuleFolder());
  await writeFile(join(folder.path, "index.html"), '<!doctype html><script type="module" src="page.js"></script>');
  await writeFile(join(folder.path, "page.ts"), `${text}\ndocument.title = "done";\n`);
  const served = stack.adopt(await servePage(folder.path, 0), (opened) => opened.close());
  const page = stack.adopt(await browser.newPage(), (opened) => opened.close());
  const { promise: failed, resolve: fail } = Promise.withResolvers<string[]>();
  page.on("pageerror", (error) => fail([String(error)]));
  await page.goto(served.origin);
  const done = page.waitForFunction(() => document.title === "done").then(() => []);
  // It rejects when the page closes first.
  done.catch(() => {});
  return await Promise.race([failed, done]);
}

/** A snippet has the one, and names the other in a comment. */
const transports = ["createConnectTransport", "createGrpcWebTransport"];

describe.skipIf(!executable).each(transports)("a page with %s", (transport) => {
  test.each(snippets.map((snippet) => ({ name: nameOf(snippet), text: snippet.text })))("$name", async ({ text }) => {
    const own = text.replaceAll("createConnectTransport", transport);
    expect(await runInPage(service.addressed(own))).toEqual([]);
  });
});

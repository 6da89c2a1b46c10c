/** The documents' diagrams, drawn by Mermaid, as the sites that show Markdown draw them. */
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium, launchChromium } from "../clients/support/chromium.ts";
import { nameOf, snippetsOf } from "./support/snippets.ts";

declare global {
  interface Window {
    readonly mermaid: { render(id: string, text: string): Promise<{ readonly svg: string }> };
  }
}

const executable = findChromium({ skipped: "the documents' diagrams" });

let browser: Browser;
let page: Page;

beforeAll(async () => {
  if (!executable) return;
  browser = await launchChromium(executable);
  page = await browser.newPage();
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve("@mermaid-js/tiny") });
});
afterAll(() => browser?.close());

describe.skipIf(!executable)("a diagram", () => {
  test.each(snippetsOf("mermaid").map((snippet) => ({ name: nameOf(snippet), text: snippet.text })))(
    "$name",
    async ({ text }) => {
      const svg = await page.evaluate(async (source) => (await window.mermaid.render("diagram", source)).svg, text);
      const labels = [...text.matchAll(/\["(.+?)(?:<br\/>|"\])/g)].map(([, label]) => label);
      for (const label of labels) expect(svg).toContain(label);
    },
  );
});

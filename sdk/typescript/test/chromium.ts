/** Plays the scenarios in a page in Chromium, which has the package as a bundler puts it together. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { launchChromium } from "../../../test/clients/support/chromium.ts";
import { bundle } from "./bundle.ts";
import type { Result } from "./player.ts";

/** Plays all scenarios in a page, by each of its transports. */
export async function playInChromium(executable: string, stage: string): Promise<Result[]> {
  const script = await bundle(join(import.meta.dirname, "in-browser.ts"));
  const server = createServer((request, response) => {
    const isScript = request.url === "/play.js";
    response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? script : '<!doctype html><script type="module" src="/play.js"></script>');
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  const browser = await launchChromium(executable);
  try {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}`);
    await page.waitForFunction("'playInPage' in globalThis");
    return await page.evaluate(`playInPage(${JSON.stringify(stage)})`);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

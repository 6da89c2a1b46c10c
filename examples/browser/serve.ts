/** Serves the page in a folder: its index.html, and its page.ts as one script for browsers. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { rolldown } from "rolldown";

export interface ServedPage {
  /** `http://localhost:PORT`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Listens on loopback only. Port 0 lets the system pick one. */
export async function servePage(folder: string, port: number): Promise<ServedPage> {
  const files = new Map([
    ["/", { type: "text/html; charset=utf-8", content: await readFile(join(folder, "index.html"), "utf8") }],
    ["/page.js", { type: "text/javascript; charset=utf-8", content: await bundle(join(folder, "page.ts")) }],
  ]);
  const server = createServer(({ url = "/" }, response) => {
    const file = files.get(url);
    if (!file) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": file.type }).end(file.content);
  });
  server.listen(port, "localhost");
  await once(server, "listening");
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function bundle(input: string): Promise<string> {
  const build = await rolldown({ input, platform: "browser", logLevel: "warn" });
  const { output } = await build.generate({ format: "esm" });
  await build.close();
  return output[0].code;
}

if (import.meta.main) {
  const { origin } = await servePage(import.meta.dirname, Number(process.env.PORT ?? 3000));
  process.stdout.write(`open ${origin}\n`);
}

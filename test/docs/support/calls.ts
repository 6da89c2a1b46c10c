/** How a snippet is executed that calls a running service. */
import { expect } from "vitest";
import { z } from "zod";
import { projectRoot } from "../../support/project-root.ts";
import { connectMcp } from "../../support/protocols/mcp.ts";
import type { ReadersService } from "./service.ts";
import { sameShape } from "./shape.ts";
import { describeOutput, openTerminal, type Terminal } from "./shell.ts";
import type { Snippet } from "./snippets.ts";
import { runTypeScript } from "./typescript.ts";

export interface Reader extends AsyncDisposable {
  /** Rejects unless the snippet does what its kind promises. Snippets of a document follow each other. */
  execute(snippet: Snippet): Promise<void>;
}

/** Creates a reader of documents about two services: one without a mode, and one in the mode `dev`. */
export async function createReader(plain: ReadersService, dev = plain): Promise<Reader> {
  const own = (service: ReadersService) =>
    openTerminal({ cwd: projectRoot, env: { ...process.env, ...service.env }, limitMs: 50_000 });
  const terminals = new Map<ReadersService, Terminal>();
  for (const service of new Set([plain, dev])) terminals.set(service, await own(service));
  /** What the snippet before wrote to standard output. */
  let printed = "";
  return {
    async execute({ kind, text }) {
      const service = kind === "bash calls dev" ? dev : plain;
      if (kind === "json prints") expectPrinted(JSON.parse(printed), JSON.parse(text));
      else if (kind === "text prints") expect(printed.trim()).toBe(text);
      else if (kind === "json mcp") await connectServers(service.addressed(text));
      else if (kind === "ts calls") printed = await runTypeScript(service.addressed(text));
      else printed = await runBash(terminals.get(service), service.addressed(text), kind === "bash refused");
    },
    async [Symbol.asyncDispose]() {
      for (const terminal of terminals.values()) await terminal[Symbol.asyncDispose]();
    },
  };
}

/** The digits of ids and times differ, but a status of HTTP is what the reader has to see. */
function expectPrinted(printed: { readonly status?: unknown }, shown: { readonly status?: unknown }): void {
  expect(sameShape(printed)).toEqual(sameShape(shown));
  expect(printed.status).toEqual(shown.status);
}

/** Connects to each server of a host's file. */
async function connectServers(text: string): Promise<void> {
  const { mcpServers } = z
    .strictObject({ mcpServers: z.record(z.string(), z.strictObject({ type: z.literal("http"), url: z.url() })) })
    .parse(JSON.parse(text));
  for (const { url } of Object.values(mcpServers)) {
    await using mcp = await connectMcp(url);
    expect((await mcp.client.listTools()).tools).not.toEqual([]);
  }
}

async function runBash(terminal: Terminal | undefined, text: string, isRefused: boolean): Promise<string> {
  if (!terminal) throw new Error("the service has no terminal");
  const output = await terminal.run(text);
  // curl ends with 22 when the response is an error.
  expect(output.code, describeOutput(output)).toBe(isRefused ? 22 : 0);
  return output.stdout;
}

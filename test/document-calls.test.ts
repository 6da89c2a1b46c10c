/** The documents' calls of a running service, executed in a reader's order. */
import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { createReader, type Reader } from "./docs/support/calls.ts";
import { openReadersService } from "./docs/support/service.ts";
import { documents, nameOf, snippetsOf } from "./docs/support/snippets.ts";
import { compileTypeScript } from "./docs/support/typescript.ts";
import { findCommand } from "./support/process/child-process.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const calls = snippetsOf(
  ...(["bash calls", "bash calls dev", "bash refused", "ts calls", "json mcp", "json prints", "text prints"] as const),
);
const hasPrograms = ["bash", "curl"].every((name) => findCommand([name], { skipped: "the calls of the documents" }));
const stack = new AsyncDisposableStack();
let readers: ReadonlyMap<string, Reader>;

beforeAll(async () => {
  if (!hasPrograms) return;
  // Each is owned as soon as it runs, also if the other one fails.
  const open = async (settings = {}) => stack.use(await openReadersService(settings));
  const [plain, dev] = await Promise.all([open(), open({ APP_AUTH_MODE: "dev" })]);
  const opened = documents.map(async (document) => [document, stack.use(await createReader(plain, dev))] as const);
  readers = new Map(await Promise.all(opened));
});
afterAll(() => stack.disposeAsync());

describe.skipIf(!hasPrograms)("the calls of the documents", () => {
  test.each(calls.map((snippet) => ({ name: nameOf(snippet), snippet })))("$name", ({ snippet }) =>
    readers.get(snippet.document)?.execute(snippet),
  );
});

test("the TypeScript of the documents compiles", async () => {
  await compileTypeScript(snippetsOf("ts calls", "ts project").map(({ text }) => text));
});

/** The documents' calls, executed in a reader's order; and that no snippet of any document is left unproved. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createReader, type Reader } from "./docs/support/calls.ts";
import { openReadersService } from "./docs/support/service.ts";
import { allBlocks, documents, isKind, nameOf, projectRoot, proofs, snippetsOf } from "./docs/support/snippets.ts";
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
  const [plain, dev] = await Promise.all([openReadersService(), openReadersService({ APP_AUTH_MODE: "dev" })]);
  stack.use(plain);
  stack.use(dev);
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

describe("every snippet", () => {
  test("has one of the kinds that say how it is proved", () => {
    const others = allBlocks.filter(({ info }) => !isKind(info));
    expect(others.map((block) => `${nameOf(block)}: \`\`\`${block.info}`)).toEqual([]);
  });

  test("is of a kind that has a snippet, and a test that reads it", () => {
    const kinds = Object.entries(proofs).map(([kind, { test }]) => {
      const path = join(projectRoot, test);
      const isRead = existsSync(path) && readFileSync(path, "utf8").includes(`"${kind}"`);
      return { kind, isRead, isUsed: allBlocks.some(({ info }) => info === kind) };
    });
    expect(kinds.filter(({ isRead, isUsed }) => !isRead || !isUsed)).toEqual([]);
  });

  test("is counted", () => {
    const counts = Object.entries(proofs).map(([kind, { executes, test, how }]) => {
      const count = allBlocks.filter(({ info }) => info === kind).length;
      return { count, executes, line: `${String(count).padStart(4)}  ${kind.padEnd(16)} ${test}: ${how}` };
    });
    const sum = (isExecuted: boolean) =>
      counts.reduce((total, { count, executes }) => total + (executes === isExecuted ? count : 0), 0);
    const total = `${allBlocks.length} snippets: ${sum(true)} executed, ${sum(false)} only parsed`;
    process.stdout.write(`${counts.map(({ line }) => line).join("\n")}\n${total}\n`);
    expect(sum(true) + sum(false)).toBe(allBlocks.length);
  });
});

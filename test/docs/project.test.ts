/** Snippets that write into the project, use its package or generate code from its schema, each in a copy of it. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { glob, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { projectRoot } from "../support/project-root.ts";
import { copyProject } from "./support/project-copy.ts";
import { describeOutput, openTerminal } from "./support/shell.ts";
import { nameOf, type Snippet, snippetsOf } from "./support/snippets.ts";
import { runTypeScript } from "./support/typescript.ts";

const named = (snippets: readonly Snippet[]) => snippets.map((snippet) => ({ name: nameOf(snippet), ...snippet }));

/** The content of the copy's own files, as one number. */
async function digestOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const names = await Array.fromAsync(glob("{*,.env,{config,deploy,docs}/**}", { cwd: folder }));
  for (const name of names.sort()) {
    const path = join(folder, name);
    if ((await stat(path)).isFile()) hash.update(name).update(await readFile(path));
  }
  return hash.digest("hex");
}

describe("a snippet that changes the project", () => {
  test.each(named(snippetsOf("bash project")))("$name", async ({ text }) => {
    await using copy = await copyProject();
    await using terminal = await openTerminal({ cwd: copy.path, env: copy.env, limitMs: 120_000 });
    const before = await digestOf(copy.path);
    const output = await terminal.run(text);
    expect(output.code, describeOutput(output)).toBe(0);
    expect(await digestOf(copy.path)).not.toBe(before);
  });
});

describe("a module", () => {
  test.each(named(snippetsOf("ts project")))("$name", async ({ text }) => {
    await runTypeScript(text);
  });
});

describe("the inputs of code for clients", () => {
  test.each(named(snippetsOf("yaml buf")))("$name", async ({ text }) => {
    const out = await mkdtemp(join(tmpdir(), "frontrow-generated-"));
    try {
      const plugins = [{ local: join(projectRoot, "node_modules", ".bin", "protoc-gen-es"), out, opt: "target=ts" }];
      const template = JSON.stringify({ version: "v2", plugins, ...parse(text) });
      const buf = join(projectRoot, "node_modules", ".bin", "buf");
      await promisify(execFile)(buf, ["generate", "--template", template], { cwd: projectRoot });
      const files = await Array.fromAsync(glob("**/*.ts", { cwd: out }));
      expect(files).toContain(join("frontrow", "v1", "booking_service_pb.ts"));
      const texts = await Promise.all(files.map((file) => readFile(join(out, file), "utf8")));
      const imports = texts.flatMap((content) => content.match(/^import .*$/gm) ?? []);
      expect(imports.filter((line) => /buf\/validate|google\/(api|rpc)/.test(line))).toEqual([]);
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  });
});

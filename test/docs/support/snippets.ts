/**
 * The fenced blocks of the documents. The words after the three backticks say how a block is proved, such as `bash calls`:
 * renderers show none of them and use the first for the colours.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../support/project-root.ts";

/** A test that proves snippets, and whether it executes them as a reader would. */
interface Proof {
  readonly test: string;
  readonly executes: boolean;
  readonly how: string;
}

const calls = { test: "test/document-calls.test.ts", executes: true };
const serves = { test: "test/docs/serves.test.ts", executes: true };
const database = { test: "test/docs/database.test.ts", executes: true };
const project = { test: "test/docs/project.test.ts", executes: true };
const readmes = { test: "scripts/sdk-readmes.test.ts", executes: false };
/** `npm run test:sdks` does what the player says. */
const sdk = (name: string, executes: boolean) => ({
  test: `scripts/sdks/player-${name}.ts`,
  executes,
  how: executes
    ? "run against a service by the package as it is published, by test:sdks"
    : "compiled as a part of a program that uses the package, by test:sdks",
});
const commands = { test: "test/docs/commands.test.ts", executes: false };

/** The closed list: every snippet has one of these. */
export const proofs = {
  "bash calls": { ...calls, how: "run against a service; a response with an error fails it" },
  "bash calls dev": { ...calls, how: "the same, against a service in the mode `dev`" },
  "bash refused": { ...calls, how: "run against a service, which must refuse its last call" },
  "ts calls": { ...calls, how: "compiled, and run against a service; in Chromium too, if for pages" },
  "json prints": { ...calls, how: "compared with what the snippet before it prints; digits may differ" },
  "text prints": { ...calls, how: "equal to what the snippet before it prints" },
  "json mcp": { ...calls, how: "a client connects to its servers and lists their tools" },
  "bash grpcurl": { ...calls, test: "test/docs/grpcurl.test.ts", how: "run against a service, by grpcurl" },
  "bash serves": { ...serves, how: "run in a copy of the project, each command until it serves or ends" },
  "json log": { ...serves, test: "test/docs/log.test.ts", how: "compared with a line that a service logs" },
  "bash database": { ...database, how: "run with a PostgreSQL server" },
  "sql database": { ...database, how: "run in a migrated database" },
  "sql before-holds": { ...database, how: "run in a database from before holds, which is then migrated" },
  "psql database": { ...database, how: "run by psql" },
  "bash project": { ...project, how: "run in a copy of the project" },
  "ts project": { ...project, how: "compiled and run" },
  "yaml buf": { ...project, how: "code is generated with it" },
  "bash ci": { ...commands, how: "every command is a step of .ci/run" },
  "bash parsed": { ...commands, how: "every program has the flags, and every file, service and profile exists" },
  "yaml manifest": { ...commands, how: "validated by the schema of its kind" },
  "ts sdk example": sdk("typescript", true),
  "ts sdk piece": sdk("typescript", false),
  "python sdk example": sdk("python", true),
  "python sdk piece": sdk("python", false),
  "go sdk example": sdk("go", true),
  "go sdk piece": sdk("go", false),
  "java sdk example": sdk("java", true),
  "java sdk piece": sdk("java", false),
  "bash sdk install": { ...readmes, how: "names the package as its own file does" },
  "xml sdk dependency": { ...readmes, how: "names the package and the version as pom.xml does" },
  "json sdk result": { ...readmes, how: "is a line of a player's results" },
  mermaid: { test: "test/docs/diagrams.test.ts", executes: true, how: "drawn in Chromium" },
} satisfies Readonly<Record<string, Proof>>;

export type Kind = keyof typeof proofs;

/** A fenced block as it is written. */
export interface Block {
  readonly document: string;
  /** The line of its opening fence. */
  readonly line: number;
  /** The words after the backticks. */
  readonly info: string;
  readonly text: string;
}

export interface Snippet extends Block {
  readonly kind: Kind;
}

export const documents = execFileSync("git", ["ls-files", "*.md"], { cwd: projectRoot, encoding: "utf8" })
  .trim()
  .split("\n");

/** The blocks of a text, in order. A fence may be indented, as in a list. */
export function blocksOf(document: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open:
    | { readonly fence: string; readonly indent: string; readonly line: number; readonly info: string }
    | undefined;
  let lines: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const [, indent = "", fence = "", info = ""] = /^(\s*)(`{3,}|~{3,})\s*(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== "") open = { fence, indent, line: index + 1, info: info.trim() };
      lines = [];
    } else if (fence.startsWith(open.fence) && info === "") {
      blocks.push({ document, line: open.line, info: open.info, text: lines.join("\n") });
      open = undefined;
    } else lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
  }
  if (open) throw new Error(`${document}:${open.line}: the block has no end`);
  return blocks;
}

export const isKind = (info: string): info is Kind => Object.hasOwn(proofs, info);

/** All blocks of all documents. */
export const allBlocks = documents.flatMap((document) =>
  blocksOf(document, readFileSync(join(projectRoot, document), "utf8")),
);

/** The snippets of some kinds, in the order of a reader. */
export function snippetsOf(...kinds: readonly Kind[]): Snippet[] {
  return allBlocks.flatMap((block) =>
    isKind(block.info) && kinds.includes(block.info) ? [{ ...block, kind: block.info }] : [],
  );
}

/** A name for tests, by which a reader finds the snippet. */
export function nameOf({ document, line, text }: Block): string {
  return `${document}:${line} ${text.split("\n")[0]?.slice(0, 60)}`;
}

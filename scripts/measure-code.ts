/**
 * Prints how long the code is: lines by folder with tests apart, the longest files and the longest functions, functions
 * that return functions included. Measures the checkout, or the commit that is given: `node scripts/measure-code.ts HEAD~5`
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "rolldown/parseAst";

const root = join(import.meta.dirname, "..");
const [commit] = process.argv.slice(2);
const longest = 10;
const output: string[] = [];
const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });

interface Piece {
  readonly name: string;
  readonly lines: number;
}

interface SourceFile extends Piece {
  readonly text: string;
  readonly isTest: boolean;
}

function readSources(): SourceFile[] {
  const listed = commit
    ? git("ls-tree", "-r", "--name-only", commit, "src", "packages")
    : git("ls-files", "src", "packages");
  const names = listed.split("\n").filter((name) => /\.[jt]s$/.test(name));
  return names.map((name) => {
    const text = commit ? git("show", `${commit}:${name}`) : readFileSync(join(root, name), "utf8");
    return { name, text, lines: lineOf(text, text.length) - 1, isTest: /\.test\.ts$|\/tests?\//.test(name) };
  });
}

const lineOf = (text: string, index: number) => text.slice(0, index).split("\n").length;

/** The folder that a file is counted in: src/rpc for all below it, but one more level in src/transport. */
function folderOf(name: string): string {
  const parts = name.split("/").slice(0, -1);
  return parts.slice(0, parts[1] === "transport" || parts[1] === "server" ? 3 : 2).join("/");
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value;
}

/** The functions below a node. A function has the name of the variable, property or method that holds it. */
function* functionsIn(node: SyntaxNode, name: string): Generator<SyntaxNode & { readonly called: string }> {
  const own = [node.id, node.key].find(isNode)?.name;
  const called = typeof own === "string" ? own : name;
  if (/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) yield { ...node, called };
  for (const child of Object.values(node).flat()) if (isNode(child)) yield* functionsIn(child, called);
}

function functionsOf({ name, text }: SourceFile): Piece[] {
  const program: unknown = parseAst(text, { lang: "ts" });
  if (!isNode(program)) throw new Error(`${name} cannot be parsed`);
  return [...functionsIn(program, "")].map(({ called, start, end }) => ({
    name: `${name} ${called}`,
    lines: lineOf(text, end) - lineOf(text, start) + 1,
  }));
}

function printLongest(title: string, pieces: readonly Piece[]): void {
  output.push("", title);
  for (const { name, lines } of pieces.toSorted((a, b) => b.lines - a.lines).slice(0, longest)) print(lines, name);
}

function print(...cells: readonly (string | number)[]): void {
  output.push(cells.map((cell) => String(cell).padStart(6)).join("  "));
}

const linesOf = (files: readonly SourceFile[]) => files.reduce((sum, { lines }) => sum + lines, 0);

const sources = readSources();
const code = sources.filter(({ isTest }) => !isTest);
const tests = sources.filter(({ isTest }) => isTest);
print("files", "lines", "tests", "folder");
for (const [folder, files] of Map.groupBy(sources, ({ name }) => folderOf(name))) {
  const own = files.filter(({ isTest }) => !isTest);
  print(own.length, linesOf(own), linesOf(files) - linesOf(own), folder);
}
print(code.length, linesOf(code), linesOf(tests), "in all");
printLongest("longest files", code);
printLongest("longest functions", code.flatMap(functionsOf));
process.stdout.write(`${output.join("\n")}\n`);

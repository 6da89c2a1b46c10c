/**
 * Fails when a document names a file, a heading, an npm script or a variable of the environment that does not exist, or has prose
 * wider than 100 columns.
 * Paths in backticks are from the project's root; links are relative to the document.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const columns = 100;
const list = (...args: string[]) => execFileSync("git", ["ls-files", ...args], { cwd: root, encoding: "utf8" });
const documents = list("*.md").trim().split("\n");
const folders = new Set([...list().matchAll(/^([^/\n]+)\//gm)].map(([, name]) => name));
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

/** The anchor that GitHub gives to a heading. */
const anchorOf = (heading: string) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");

/** The lines of a document outside of blocks of code. */
function proseOf(text: string): { readonly line: string; readonly number: number }[] {
  let isCode = false;
  return text.split("\n").flatMap((line, index) => {
    if (!line.startsWith("```")) return isCode ? [] : [{ line, number: index + 1 }];
    isCode = !isCode;
    return [];
  });
}

function anchorsOf(document: string): string[] {
  const headings = proseOf(readFileSync(join(root, document), "utf8")).filter(({ line }) => /^#+ /.test(line));
  return headings.map(({ line }) => anchorOf(line.replace(/^#+ /, "")));
}

const isWebAddress = (text: string) => /^https:\/\/[\w.-]+\.[a-z]+(?:[/#][^\s"'<>]*)?$/.test(text);

/** What is wrong with the target of a link; undefined if it exists, or is an address of others. */
function brokenLink(document: string, target: string): string | undefined {
  // Sites of others may be down: of their addresses only the form is checked.
  if (/^[a-z]+:/.test(target)) return isWebAddress(target) ? undefined : `${target} is no address of the web`;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? document : join(dirname(document), path);
  if (!existsSync(join(root, file))) return `there is no file ${file}`;
  if (anchor !== undefined && !anchorsOf(file).includes(anchor)) return `${file} has no heading #${anchor}`;
  return undefined;
}

const variable = /\bAPP_[A-Z0-9]+(?:_[A-Z0-9]+)*\b(?!_)/g;
/** The settings that the configuration's generated tables have, and what else TypeScript, Compose and the shell read. */
const reading = "(process\\.env\\.|\\$\\{)APP_[A-Z0-9_]+";
const reads = execFileSync("git", ["grep", "-hoE", reading, "--", ":!*.md"], { cwd: root, encoding: "utf8" });
const knownVariables = new Set([
  ...(readFileSync(join(root, "docs", "configuration.md"), "utf8").match(/(?<=^\| `)APP_\w+/gm) ?? []),
  ...(reads.match(/APP_\w+/g) ?? []),
]);

const unknownVariables = (text: string) =>
  [...new Set(text.match(variable))].filter((name) => !knownVariables.has(name));

/** A path from the root, of a file or a folder; names of methods and media types have slashes too. */
function brokenPath(code: string): string | undefined {
  const [first = ""] = code.split("/");
  const isPath = /^[\w.@-]+\/[\w./@*-]*$/.test(code) && folders.has(first);
  return !isPath || code.includes("*") || existsSync(join(root, code)) ? undefined : `there is no file ${code}`;
}

const isWide = (line: string) => line.length > columns && !/^\s*(\||<|\[|!\[)|https?:\/\//.test(line);

for (const document of documents) {
  const text = readFileSync(join(root, document), "utf8");
  const faults = proseOf(text).flatMap(({ line, number }) => {
    const links = [...line.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => brokenLink(document, target));
    const paths = [...line.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => brokenPath(code));
    const width = isWide(line) ? `the line is wider than ${columns} columns` : undefined;
    return [...links, ...paths, width].filter((fault) => fault !== undefined).map((fault) => ({ number, fault }));
  });
  for (const { number, fault } of faults) process.stdout.write(`${document}:${number}: ${fault}\n`);
  const unknown = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].filter(([, name = ""]) => !(name in scripts));
  for (const [command] of unknown) process.stdout.write(`${document}: there is no script for \`${command}\`\n`);
  const unread = unknownVariables(text);
  for (const name of unread) process.stdout.write(`${document}: the variable ${name} is read nowhere\n`);
  if (faults.length + unknown.length + unread.length > 0) process.exitCode = 1;
}

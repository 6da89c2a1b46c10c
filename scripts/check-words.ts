/**
 * Fails when a text that we write has a word of the list below: in comments, documents, messages and names of tests.
 * The list keeps sentences about things in the code ("the request", "the batch") and in the terms of the field.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Each word or phrase, and what to write in its place. A letter in brackets may be left out. */
const bannedWords: Readonly<Record<string, string>> = {
  whoever: "the client, the caller, or the thing that acts",
  whomever: "the client, the caller, or the thing that acts",
  whom: "a sentence whose subject is a thing",
  nobody: "no client, no caller",
  anybody: "any client, any caller",
  somebody: "a client, a caller",
  everybody: "all clients, all callers",
  "those who": "callers that, clients that",
  "caller(s) who": "caller that",
  "client(s) who": "client that",
  "connection(s) who": "connection that",
  "request(s) who": "request that",
  himself: "itself",
  him: "it, the caller, the user",
  his: "its, the caller's, the user's",
  "of its own": "its own, separate",
  "of their own": "their own, separate",
  "of his own": "its own, separate",
  "at hand": "available",
  "in earnest": "in production",
  "in vain": "fails, has no effect",
  "told so": "receives the error, is rejected",
  "is told": "receives, reads",
  "are told": "receive, read",
  "was told": "received, read",
  "been told": "received, read",
  "unless told": "unless set, by default",
  "until told": "until set, by default",
  "told otherwise": "set, configured",
  hears: "receives",
  "knows itself": "name the fact that the code has",
  ere: "before",
  whilst: "while",
  thereby: "so, by this",
  whereby: "by which, with which",
  wherein: "in which",
  thereof: "of it",
  therein: "in it",
  hitherto: "until now",
  whence: "from which",
};

/** Texts that others wrote or that programs wrote, migrations that have landed, and the list itself. */
const excluded =
  /^(gen|bench\/results|test\/conformance\/gen|sdk\/typescript\/src\/gen|sdk\/go\/gen)\/|^sdk\/(python|java)\/.*\/v1\/|^db\/migrations\/000[1-5]_|^(package-lock\.json|LICENSE|scripts\/check-words(\.test)?\.ts)$|\.sum$|\/LICENSE$/;

/** One place of a text that is to be written otherwise. */
interface BannedWord {
  readonly line: number;
  readonly found: string;
  readonly instead: string;
}

// A phrase may go on in the next line, behind the mark of a comment. A word alone in quotes is a name, as that of the
// system user `nobody`.
const gap = String.raw`\s+(?:(?:\*|//+|#|--|>)\s+)?`;
const patterns = Object.entries(bannedWords).map(([words, instead]) => {
  const pattern = words.replaceAll("(s)", "s?").replaceAll(" ", gap);
  const quote = `["'\`]`;
  const quoted = `(?<=${quote})${pattern}${quote}`;
  return { instead, regex: new RegExp(String.raw`(?<!\w)(?!${quoted})${pattern}(?!\w)`, "gi") };
});

/** Finds the words of the list in a text, in the order of its lines. */
export function findBannedWords(text: string): BannedWord[] {
  const found = patterns.flatMap(({ regex, instead }) =>
    [...text.matchAll(regex)].map((match) => ({
      line: text.slice(0, match.index).split("\n").length,
      found: match[0].replaceAll(/\s+(\W+\s+)?/g, " "),
      instead,
    })),
  );
  return found.sort((a, b) => a.line - b.line);
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).trim().split("\n");
  const checked = files.filter((file) => !excluded.test(file));
  for (const file of checked) {
    for (const { line, found, instead } of findBannedWords(readFileSync(join(root, file), "utf8"))) {
      process.stdout.write(`${file}:${line}: "${found}": write instead: ${instead}\n`);
      process.exitCode = 1;
    }
  }
}

/** Reads the bytes of a request body as JSON, more strictly than JSON.parse does. */
import type { JsonValue } from "@bufbuild/protobuf";
import { shortValue } from "../../domain/short-text.ts";
import { invalidRequest } from "../problem.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Of one object, and of all objects of a body. No request comes near them: thousands of keys cost as much as tens of calls. */
const [maxObjectKeys, maxKeys] = [200, 1_000];

const malformed = (message: string) => invalidRequest([{ field: "", message }]);

/** Throws a ProblemError for broken UTF-8, malformed JSON, too many keys, and an object with the same key twice. */
export function parseJson(bytes: Uint8Array): JsonValue {
  const text = decodeUtf8(bytes);
  refuseManyKeys(text);
  const value = parse(text);
  const key = findDuplicateKey(text);
  if (key !== undefined) throw invalidRequest([{ field: shortValue(key), message: "given more than once" }]);
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed("the body is not valid UTF-8");
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    throw malformed(`the body is not valid JSON${position === undefined ? "" : ` at character ${position}`}`);
  }
}

/** Counts the keys of text that may be no JSON. */
function refuseManyKeys(text: string): void {
  /** The keys of each open object or array so far. */
  const open = [0];
  let total = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === '"') index = endOfString(text, index) - 1;
    else if (char === "{" || char === "[") open.push(0);
    else if (char === "}" || char === "]") open.pop();
    else if (char === ":") {
      const keys = (open.pop() ?? 0) + 1;
      if (keys > maxObjectKeys) throw malformed(`the body has an object with more than ${maxObjectKeys} keys`);
      if (++total > maxKeys) throw malformed(`the body has more than ${maxKeys} keys`);
      open.push(keys);
    }
  }
}

/** JSON.parse keeps the last of two equal keys and says nothing. `text` must be what it has accepted. */
export function findDuplicateKey(text: string): string | undefined {
  /** The keys of each open object, kept from its first one on; undefined stands for an array or no key so far. */
  const open: (Set<string> | undefined)[] = [];
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === "{" || char === "[") open.push(undefined);
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = endOfString(text, index);
      if (isFollowedByColon(text, end)) {
        const key = unquote(text.slice(index, end));
        const keys = open.pop() ?? new Set();
        if (keys.has(key)) return key;
        open.push(keys.add(key));
      }
      index = end - 1;
    }
  }
  return undefined;
}

/** The index after the closing quote of the string that opens at `start`; the text's end if the string is not closed. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end + 1;
}

/** Whether an odd number of backslashes precedes. */
function isEscaped(text: string, index: number): boolean {
  let first = index;
  while (text[first - 1] === "\\") first--;
  return (index - first) % 2 === 1;
}

function isFollowedByColon(text: string, start: number): boolean {
  let index = start;
  while (text[index] === " " || text[index] === "\n" || text[index] === "\r" || text[index] === "\t") index++;
  return text[index] === ":";
}

function unquote(quoted: string): string {
  return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

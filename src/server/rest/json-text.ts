/** Reads the bytes of a request body as JSON, more strictly than JSON.parse does. */
import type { JsonValue } from "@bufbuild/protobuf";
import { invalidRequest } from "../problem.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Of one object. No message of the schema comes near it, and thousands of keys take as much time as tens of calls. */
const maxKeys = 200;

const malformed = (message: string) => invalidRequest([{ field: "", message }]);

/** Throws a ProblemError for broken UTF-8, malformed JSON, and an object with too many keys or with the same key twice. */
export function parseJson(bytes: Uint8Array): JsonValue {
  const text = decodeUtf8(bytes);
  if (hasCrowdedObject(text)) throw malformed(`the body has an object with more than ${maxKeys} keys`);
  const value = parse(text);
  const key = findDuplicateKey(text);
  if (key !== undefined) throw invalidRequest([{ field: key.slice(0, 100), message: "given more than once" }]);
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

/** Whether an object has more keys than any message has fields, as far as can be told of text that may be no JSON. */
function hasCrowdedObject(text: string): boolean {
  /** The keys of each open object or array so far. */
  const open = [0];
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === '"') index = endOfString(text, index) - 1;
    else if (char === "{" || char === "[") open.push(0);
    else if (char === "}" || char === "]") open.pop();
    else if (char === ":") {
      const keys = (open.pop() ?? 0) + 1;
      if (keys > maxKeys) return true;
      open.push(keys);
    }
  }
  return false;
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

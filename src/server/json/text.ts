/** Reads the bytes of a request as JSON, more strictly than JSON.parse does. */
import type { JsonValue } from "@bufbuild/protobuf";
import { invalidRequest } from "./fault.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Of one object, and of all objects of a body. No request comes near them: thousands of keys cost as much as tens of calls. */
const [maxObjectKeys, maxKeys] = [200, 1_000];

/**
 * The value that the bytes stand for. Throws INVALID_REQUEST for broken UTF-8, malformed JSON, too many keys, and an object
 * with the same key twice.
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  const text = decodeUtf8(bytes);
  const repeated = findRepeatedKey(text);
  const value = parse(text);
  if (repeated !== undefined) throw invalidRequest(repeated, "given more than once");
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalidRequest("", "the body is not valid UTF-8");
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    throw invalidRequest("", `the body is not valid JSON${position === undefined ? "" : ` at character ${position}`}`);
  }
}

const quote = 0x22;
const [openBracket, closeBracket] = [0x5b, 0x5d];
const [openBrace, closeBrace] = [0x7b, 0x7d];

/**
 * The first key that an object has twice: JSON.parse keeps the last of them and reports nothing. Throws INVALID_REQUEST for
 * too many keys. The text need not be JSON, because the keys are counted before JSON.parse makes objects of them.
 */
export function findRepeatedKey(text: string): string | undefined {
  /** The keys of each open object, kept from its first one on; undefined stands for an array or no key so far. */
  const open: (Set<string> | undefined)[] = [];
  let repeated: string | undefined;
  let total = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === openBrace || char === openBracket) open.push(undefined);
    else if (char === closeBrace || char === closeBracket) open.pop();
    else if (char === quote) {
      const end = endOfString(text, index);
      if (isFollowedByColon(text, end)) {
        const key = unquote(text.slice(index, end));
        const keys = open.pop() ?? new Set();
        if (keys.has(key)) repeated ??= key;
        open.push(keys.add(key));
        if (++total > maxKeys) throw invalidRequest("", `the body has more than ${maxKeys} keys`);
        if (keys.size > maxObjectKeys) {
          throw invalidRequest("", `the body has an object with more than ${maxObjectKeys} keys`);
        }
      }
      index = end - 1;
    }
  }
  return repeated;
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

/** The key that a JSON string stands for. A broken escape is left as it is: JSON.parse refuses the whole text. */
function unquote(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

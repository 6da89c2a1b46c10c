/** Reads the bytes of a request as JSON, more strictly than JSON.parse does. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { DomainError } from "../../domain/failure.ts";
import { invalidRequest } from "./fault.ts";

/** INVALID_REQUEST for bytes that are no JSON at all. */
export class NotJsonError extends DomainError {
  constructor(message: string) {
    super({ reason: "INVALID_REQUEST", violations: [{ field: "", message }] });
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Of one object, and of all objects of a body. Thousands of keys cost as much as tens of calls. */
const [maxObjectKeys, maxKeys] = [200, 1_000];

/**
 * The value that the bytes represent. Throws INVALID_REQUEST for broken UTF-8, malformed JSON, too many keys, and an object
 * with the same key twice, whose path begins with `place`.
 */
export function parseJson(bytes: Uint8Array, place = ""): JsonValue {
  const text = decodeUtf8(bytes);
  const repeated = findRepeatedKey(text);
  const value = parse(text);
  if (repeated !== undefined) throw invalidRequest(pathIn(place, repeated), "given more than once");
  return value;
}

/** A JSON object, not a list and not null. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The path of a value in a place; an empty place is the whole body. */
export function pathIn(place: string, path: string): string {
  return place === "" || path.startsWith("[") ? `${place}${path}` : `${place}.${path}`;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new NotJsonError("the body is not valid UTF-8");
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    // At its end: the message also quotes the text, which may contain a position too.
    const position = /at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(String(error))?.[1];
    throw new NotJsonError(`the body is not valid JSON${position === undefined ? "" : ` at character ${position}`}`);
  }
}

const [quote, comma] = [0x22, 0x2c];
const [openBracket, closeBracket] = [0x5b, 0x5d];
const [openBrace, closeBrace] = [0x7b, 0x7d];

/** An object or a list that is open. */
interface Open {
  /** The keys of an object, kept from its first one on. */
  keys?: Set<string>;
  /** The last key of an object. */
  key: string;
  /** Of the item of a list; -1 in an object. */
  index: number;
}

/**
 * The path of the first key that an object has twice: JSON.parse keeps the last of them and reports nothing. Throws
 * INVALID_REQUEST for too many keys. The text need not be JSON, because the keys are counted before JSON.parse makes
 * objects of them.
 */
export function findRepeatedKey(text: string): string | undefined {
  const open: Open[] = [];
  let repeated: string | undefined;
  let total = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === openBrace) open.push({ key: "", index: -1 });
    else if (char === openBracket) open.push({ key: "", index: 0 });
    else if (char === closeBrace || char === closeBracket) open.pop();
    else if (char === comma) nextItem(open.at(-1));
    else if (char === quote) {
      const end = endOfString(text, index);
      const parent = open.at(-1);
      if (parent !== undefined && isFollowedByColon(text, end)) {
        parent.key = unquote(text.slice(index, end));
        parent.keys ??= new Set();
        if (parent.keys.has(parent.key)) repeated ??= pathOf(open);
        parent.keys.add(parent.key);
        if (++total > maxKeys) throw invalidRequest("", `the body has more than ${maxKeys} keys`);
        if (parent.keys.size > maxObjectKeys) {
          throw invalidRequest("", `the body has an object with more than ${maxObjectKeys} keys`);
        }
      }
      index = end - 1;
    }
  }
  return repeated;
}

function nextItem(parent: Open | undefined): void {
  if (parent !== undefined && parent.index >= 0) parent.index++;
}

/** The path of the innermost key. An empty key is written as `""`, because an empty path names the whole request. */
function pathOf(open: readonly Open[]): string {
  return open
    .map(({ key, index }) => (index >= 0 ? `[${index}]` : `.${key === "" ? '""' : key}`))
    .join("")
    .replace(/^\./, "");
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

/** The key that a JSON string represents. A broken escape is left as it is: JSON.parse refuses the whole text. */
function unquote(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

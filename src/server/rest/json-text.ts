/** Reads the bytes of a request body as JSON, more strictly than JSON.parse does. */
import type { JsonValue } from "@bufbuild/protobuf";
import { invalidRequest } from "../problem.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

const malformed = (message: string) => invalidRequest([{ field: "", message }]);

/** Throws a ProblemError for broken UTF-8, malformed JSON, and an object with the same key twice. */
export function parseJson(bytes: Uint8Array): JsonValue {
  const text = decodeUtf8(bytes);
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

/** JSON.parse keeps the last of two equal keys and says nothing. `text` must be what it has accepted. */
export function findDuplicateKey(text: string): string | undefined {
  /** The keys of each open object; undefined stands for an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === "{") open.push(new Set());
    else if (char === "[") open.push(undefined);
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = endOfString(text, index);
      const keys = open.at(-1);
      if (keys !== undefined && isFollowedByColon(text, end)) {
        const key = unquote(text.slice(index, end));
        if (keys.has(key)) return key;
        keys.add(key);
      }
      index = end - 1;
    }
  }
  return undefined;
}

/** The index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
  return index + 1;
}

function isFollowedByColon(text: string, start: number): boolean {
  let index = start;
  while (text[index] === " " || text[index] === "\n" || text[index] === "\r" || text[index] === "\t") index++;
  return text[index] === ":";
}

function unquote(quoted: string): string {
  return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

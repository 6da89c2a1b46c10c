/** Errors that Connect's own handlers answer unary Connect calls with, as they should be. */
import { gunzipSync } from "node:zlib";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { boundJsonError, type JsonError } from "./error-limits.ts";

const undecodable = "parse binary: ";

/**
 * An answer whose error is of bounded length. A Connect call whose binary is no message of its method is the client's
 * fault, 400 with `invalid_argument`, as it is for JSON. (For gRPC it is INTERNAL everywhere, and stays that.)
 */
export async function mendError(answer: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (answer.status === 200 || !answer.body || !answer.header) return answer;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const header = new Headers(answer.header);
  // Of a GET it could be kept.
  header.set("cache-control", "no-store");
  const text = (isPacked(header) ? gunzipSync(body) : body).toString();
  const error = boundJsonError(JSON.parse(text));
  const isClients = isUndecodable(error);
  const mendedText = JSON.stringify(isClients ? { ...error, code: "invalid_argument" } : error);
  if (mendedText === text) return { ...answer, header, body: yieldOnce(body) };
  const mended = Buffer.from(mendedText);
  header.delete("content-encoding");
  header.set("content-length", String(mended.length));
  return { ...answer, status: isClients ? 400 : answer.status, header, body: yieldOnce(mended) };
}

const isPacked = (header: Headers) => header.get("content-encoding") === "gzip";

function isUndecodable({ code, message = "" }: JsonError): boolean {
  return code === "internal" && message.startsWith(undecodable);
}

/** A body of one piece. */
export async function* yieldOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A body that fails: Connect answers with the error in the call's own protocol. */
export function failWith(error: unknown): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

/**
 * What only Connect's own handlers of unary methods need. The service answers all unary calls on the fast path. This is for
 * `fastPath: false`, by which the tests compare the fast path with Connect.
 */
import { gunzipSync } from "node:zlib";
import type { FastifyRequest } from "fastify";
import { boundJsonError } from "./error-limits.ts";
import { codeFromString, type UniversalServerResponse } from "./internals.ts";
import { isUndecodable, yieldOnce } from "./workarounds.ts";

/**
 * Whether the body is received as a whole before anything is done, so that no work begins for half a request. One that is too
 * long by its own account is refused unread.
 */
export function isReceivedWhole({ headers, method }: FastifyRequest, maxBytes: number): boolean {
  return method === "POST" && Number(headers["content-length"] ?? 0) <= maxBytes;
}

/**
 * Removes an announced length. Node rejects a body of another length; one over the limit is left, for Connect to refuse at
 * once.
 *
 * To report: "A Content-Length sets aside as many bytes before the first one has arrived."
 */
export function dropAllowedLength(header: Headers, maxMessageBytes: number): void {
  if (Number(header.get("content-length")) <= maxMessageBytes) header.delete("content-length");
}

/**
 * A response whose error is of bounded length. A Connect call whose binary is no message of its method is the client's
 * fault, 400 with `invalid_argument`, as it is for JSON. (For gRPC it is INTERNAL everywhere, and stays that.)
 *
 * To report: "Malformed binary of a unary call is answered with internal, malformed JSON with invalid_argument."
 */
export async function mendError(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (response.status < 400 || !response.body || !response.header) return response;
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const header = new Headers(response.header);
  // To report: "A cache may keep the error response to a GET: it lacks Cache-Control: no-store."
  header.set("cache-control", "no-store");
  const text = (isPacked(header) ? gunzipSync(body) : body).toString();
  const error = boundJsonError(JSON.parse(text));
  const isClients = isUndecodable(codeFromString(error.code), error.message);
  const mendedText = JSON.stringify(isClients ? { ...error, code: "invalid_argument" } : error);
  if (mendedText === text) return { ...response, header, body: yieldOnce(body) };
  const mended = Buffer.from(mendedText);
  header.delete("content-encoding");
  header.set("content-length", String(mended.length));
  return { ...response, status: isClients ? 400 : response.status, header, body: yieldOnce(mended) };
}

const isPacked = (header: Headers) => header.get("content-encoding") === "gzip";

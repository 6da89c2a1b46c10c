/** The bodies of the requests that Connect answers, and bodies of one piece. */
import type { FastifyRequest } from "fastify";
import type { RefusedBodies } from "../listener/lingering-close.ts";
import { receiveBody, streamBody } from "../request-body.ts";
import type { ShutdownNotices } from "../shutdown-notices.ts";
import { prefixBytes } from "./envelope.ts";
import { isTextMode, receiveText } from "./text-mode.ts";

export interface BodyOptions {
  readonly maxMessageBytes: number;
  readonly refusedBodies: RefusedBodies;
  readonly shutdown: ShutdownNotices;
}

/**
 * A request's body. That of a unary call is received as a whole before anything is done, so that nothing is begun for half a
 * request. Undefined if the client has gone before.
 *
 * To report: "A body that an HTTP/2 client resets ends like one that is complete", and "pieces of a byte each take 200 times
 * their size".
 */
export async function bodyOf(
  { headers, method, raw }: FastifyRequest,
  isUnary: boolean,
  { maxMessageBytes, refusedBodies, shutdown }: BodyOptions,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const maxBytes = maxMessageBytes + prefixBytes;
  const isText = isTextMode(headers["content-type"]);
  // One that is too long by its own account is refused unread.
  const isWhole = isUnary && method === "POST";
  const isUnread = !isWhole || Number(headers["content-length"] ?? 0) > maxBytes;
  if (isUnread && !isText) return streamBody(raw, refusedBodies, shutdown);
  try {
    const body = await (isText ? receiveText : receiveBody)(raw, maxBytes, shutdown);
    return body && yieldOnce(body);
  } catch (error) {
    return failWith(error);
  }
}

/** A body of one piece. */
export async function* yieldOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A body that fails: Connect answers with the error in the call's own protocol. */
function failWith(error: unknown): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
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

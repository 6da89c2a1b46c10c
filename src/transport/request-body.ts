/** Bodies of requests whose JSON the routes decode: REST, and the tools of assistants. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { shortValue } from "../domain/short-text.ts";
import { httpError } from "./http-errors.ts";
import { receiveBody } from "./request.ts";
import type { ShutdownNotices } from "./shutdown-notices.ts";

/**
 * A request's body. Throws an HttpError if it is too long, or if the client has disconnected before it was complete, and the
 * shutdown's reason if that comes first.
 */
export async function receiveAll(
  { headers }: FastifyRequest,
  payload: IncomingMessage,
  maxBytes: number,
  shutdown: ShutdownNotices,
): Promise<Uint8Array> {
  if (Number(headers["content-length"]) > maxBytes) throw httpError(413);
  const body = await receiveBody(payload, maxBytes, shutdown);
  if (body === undefined) throw httpError(400, "the request has ended before its body");
  if (body.length > maxBytes) throw httpError(413);
  return body;
}

/** `application/json`, whatever its parameters, but a charset can only be UTF-8. */
const jsonType = /^application\/json\s*(?:;(?!.*charset=(?!"?utf-?8"?\s*(?:;|$))).*)?$/i;

/** Throws an HttpError for a body of another type, or one that is compressed. */
export function requireJson(headers: IncomingHttpHeaders): void {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = headers;
  if (type !== "application/json" && !jsonType.test(type)) throw httpError(415);
  if (encoding === "identity") return;
  throw httpError(415, `the body must be sent without Content-Encoding, not as ${shortValue(encoding)}`);
}

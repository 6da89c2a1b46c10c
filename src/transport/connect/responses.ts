/** Responses that cannot be completed. */
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import type { FastifyReply } from "fastify";
import type { Logger } from "pino";

/** Whether no response can be written, because the client has gone or has it all. */
export function isGone({ raw }: FastifyReply): boolean {
  const { closed, destroyed } = streamOf(raw) ?? raw;
  return closed || destroyed || raw.socket?.destroyed !== false;
}

/** The stream of an HTTP/2 response. */
function streamOf(raw: FastifyReply["raw"]): ServerHttp2Stream | undefined {
  return "stream" in raw ? (raw as unknown as Http2ServerResponse).stream : undefined;
}

/** Ends a response that cannot be completed, so that no client takes a part for the whole. */
export function endBadly(reply: FastifyReply, method: string, error: unknown, logger: Logger): void {
  const { raw } = reply;
  logger[isGone(reply) ? "debug" : "warn"]({ err: error, method }, "an answer could not be written");
  // Of HTTP/2 a stream that is destroyed without a code looks complete.
  const stream = streamOf(raw);
  if (stream) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else raw.destroy();
}

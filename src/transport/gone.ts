import type { Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import type { FastifyReply } from "fastify";

/** Whether no response can be written, because the client has disconnected or has all of it. */
export function isGone({ raw }: FastifyReply): boolean {
  const { closed, destroyed } = streamOf(raw) ?? raw;
  return closed || destroyed || raw.socket?.destroyed !== false;
}

/** The stream of an HTTP/2 response; undefined for HTTP/1.1. */
export function streamOf(raw: FastifyReply["raw"]): ServerHttp2Stream | undefined {
  return "stream" in raw ? (raw as unknown as Http2ServerResponse).stream : undefined;
}

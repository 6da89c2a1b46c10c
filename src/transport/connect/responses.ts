/** What the responses of both paths need besides the protocol: Vary, trailers that can be sent, an end for those that fail. */
import { validateHeaderValue } from "node:http";
import { constants } from "node:http2";
import type { FastifyReply } from "fastify";
import type { Publish } from "../../domain/publish.ts";
import type { TransportEvents } from "../events.ts";
import { isGone, streamOf } from "../gone.ts";

/**
 * Sets Vary to all that hooks (as for CORS), the handler and the protocol name. The response to a GET, which caches keep, may
 * be compressed for the client.
 *
 * To report: "The response to a GET lacks Vary: Accept-Encoding", and of connect-fastify: "A header that a handler sets
 * replaces that of Fastify's hooks, also Vary, which is a list."
 */
export function joinVary(header: Headers, reply: FastifyReply): void {
  const ofHooks = reply.getHeader("vary");
  const ofHandler = header.get("vary");
  const isGet = reply.request.method === "GET";
  if (!isGet && (ofHooks === undefined || ofHandler === null)) return;
  const lists = [ofHooks ?? "", ofHandler ?? "", isGet ? "Accept-Encoding" : ""];
  const names = lists.flatMap((list) => String(list).split(",")).map((name) => name.trim());
  const byName = new Map(names.filter((name) => name !== "").map((name) => [name.toLowerCase(), name]));
  header.set("vary", [...byName.values()].join(", "));
}

/** Fields of the connection, or of how a message is framed: RFC 9110, 6.5.1 and 7.6.1, and RFC 9113, 8.2.2. */
const fieldsOfConnection: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings", "te"],
  ...["content-length", "trailer"],
]);

/**
 * Removes what no trailer can be, as Node removes it from the headers of HTTP/2. Throws if a value cannot be sent.
 *
 * To report: "A trailer whose name is that of a field of the connection ends the process over HTTP/2: Node throws when it
 * writes the trailers", and "a value that cannot be in a trailer is found after the response has begun."
 */
export function checkTrailer(trailer: Headers): void {
  for (const [name, value] of [...trailer]) {
    if (fieldsOfConnection.has(name)) trailer.delete(name);
    else validateHeaderValue(name, value);
  }
}

/** Breaks off a response that cannot be completed, so that no client takes a part for the whole. */
export function breakOff(reply: FastifyReply, method: string, error: unknown, publish: Publish<TransportEvents>): void {
  const { raw, request } = reply;
  publish("transport.response_failed", { requestId: request.id, method, error, isClientGone: isGone(reply) });
  // A stream of HTTP/2 that is destroyed without a code looks complete.
  const stream = streamOf(raw);
  if (stream) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else raw.destroy();
}

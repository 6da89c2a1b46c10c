/**
 * Refusals of gRPC and gRPC-Web calls outside of Connect's handlers. Clients of these protocols read no other response than
 * their own protocol's.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isGrpc } from "../request.ts";
import { joinEnvelopes, trailerEnvelope } from "./envelopes.ts";
import { boundTrailer } from "./error-limits.ts";
import { setTrailerStatus } from "./internals.ts";

/** Whether the client of a request reads nothing but a gRPC status: gRPC over HTTP/2, or gRPC-Web. */
export function readsGrpcStatus(request: FastifyRequest): boolean {
  if (request.method !== "POST") return false;
  return isGrpc(request) ? request.raw.httpVersionMajor === 2 : webText(request) !== undefined;
}

/** Whether gRPC-Web is in base64: `-text` if it is, "" if not; undefined for another protocol. */
function webText({ headers }: FastifyRequest): string | undefined {
  const found = /^application\/grpc-web(-text)?(?:[+; ]|$)/i.exec(headers["content-type"] ?? "");
  return found ? (found[1] ?? "").toLowerCase() : undefined;
}

/** Answers a call of gRPC over HTTP/2, or of gRPC-Web, with nothing but its status. */
export function refuseGrpc(reply: FastifyReply, error: ConnectError): void {
  const { raw, request } = reply;
  const trailer = setTrailerStatus(new Headers(), error);
  boundTrailer(trailer);
  const web = webText(request);
  reply.hijack();
  raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    "content-type": web === undefined ? "application/grpc" : `application/grpc-web${web}+proto`,
    "cache-control": "no-store",
  });
  if (web === undefined) {
    raw.addTrailers(Object.fromEntries(trailer));
    raw.end();
  } else {
    const body = joinEnvelopes(trailerEnvelope(trailer));
    raw.end(web === "" ? body : body.toString("base64"));
  }
}

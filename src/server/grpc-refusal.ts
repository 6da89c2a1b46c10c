/** Refusals of gRPC calls without Connect's pipeline: clients of gRPC read no other response than their own protocol's. */
import type { OutgoingHttpHeaders } from "node:http";
import type { Code } from "@connectrpc/connect";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Whether a request is one of gRPC itself, and not of gRPC-Web. */
export function isGrpc({ headers }: FastifyRequest): boolean {
  const type = headers["content-type"];
  return type !== undefined && /^application\/grpc(?:[+; ]|$)/i.test(type);
}

/** Answers a call over HTTP/2 with nothing but its status. The message is ASCII. */
export function refuseGrpc(reply: FastifyReply, code: Code, message: string): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    "content-type": "application/grpc",
    "cache-control": "no-store",
  });
  reply.raw.addTrailers({ "grpc-status": String(code), "grpc-message": encodeURI(message) });
  reply.raw.end();
}

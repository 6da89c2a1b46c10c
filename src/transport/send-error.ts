/** Answers requests with errors, each in the form that its client reads. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { FastifyReply, FastifyRequest } from "fastify";
import { DomainError } from "../domain/failure.ts";
import type { Publish } from "../domain/publish.ts";
import { connectErrorOf } from "../rpc/status.ts";
import { readsGrpcStatus, refuseGrpc } from "./connect/grpc-refusal.ts";
import type { TransportEvents } from "./events.ts";
import { isGone } from "./gone.ts";
import { HttpError, httpStatusOf, statusOfError } from "./http-errors.ts";
import { requestIdHeader } from "./request-id.ts";
import { problemHeaders, problemOfError } from "./rest/problem-details.ts";
import { setHeaders } from "./unary.ts";

/** Answers with an error, as Fastify's error handlers do. */
export type SendError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Publishes an error that no interceptor has seen. Those of calls are ConnectErrors, which an interceptor publishes. */
export function publishError(
  publish: Publish<TransportEvents>,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  if (error instanceof ConnectError) return;
  const about = { requestId: request.id, method: request.method, route: request.routeOptions.url ?? "" };
  const isForeseen = error instanceof HttpError || error instanceof DomainError;
  const status = statusOfError(error);
  if (httpStatusOf(status) === 500 && !isForeseen) publish("transport.request_failed", { ...about, error });
  // A client that has gone in the middle of its body was not refused.
  else if (!isGone(reply)) publish("transport.request_refused", { ...about, code: Code[status.code] });
}

/** Statuses of HTTP that say there is no such method. gRPC has a code for that, and needs no details. */
const unimplemented: ReadonlySet<number> = new Set([404, 405]);

/** Creates the one function that answers errors: for Fastify, and for REST's routes. */
export function createSendError(publish: Publish<TransportEvents>): SendError {
  return (error, request, reply) => {
    publishError(publish, error, request, reply);
    const status = statusOfError(error);
    const httpStatus = httpStatusOf(status);
    // Fastify adds the header when a body is refused. Which connections close is the listener's to decide.
    const isClosing = reply.raw.hasHeader("connection") || reply.raw.shouldKeepAlive === false;
    if (!isClosing && reply.hasHeader("connection")) reply.removeHeader("connection");
    // Hooks do not run for what is refused before it has a route.
    reply.header(requestIdHeader, request.id);
    // A request of no known type is not answered in that type (gRPC over HTTP/2, "Requests").
    if (httpStatus !== 415 && readsGrpcStatus(request)) {
      const isUnimplemented = unimplemented.has(httpStatus);
      refuseGrpc(
        reply,
        isUnimplemented ? new ConnectError(status.message, Code.Unimplemented) : connectErrorOf(status),
      );
      return reply;
    }
    if (error instanceof ConnectError) setHeaders(reply, error.metadata);
    const problem = problemOfError(error);
    return reply
      .code(problem.status)
      .headers({ ...status.headers, ...problemHeaders })
      .send(JSON.stringify(problem));
  };
}

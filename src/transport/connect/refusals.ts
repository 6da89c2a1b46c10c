/**
 * Refuses requests that are not a call of the method at their path.
 *
 * To report: "Handlers answer 405, 415 and 505 with an empty body, and 405 without the header Allow", and "a query that is
 * not percent-encoded UTF-8, or a message in it that is not base64, is read as something else." And of connect-fastify: "A
 * request without a Host, or with one that cannot be part of a URL, is answered 200 with an empty body."
 */
import type { FastifyRequest } from "fastify";
import { type HttpError, httpError } from "../http-errors.ts";
import { hasUrl, queryOf } from "../request.ts";
import {
  contentTypeUnaryRegExp,
  parseConnectType,
  parseGrpcType,
  parseGrpcWebType,
  type UniversalHandler,
} from "./internals.ts";

/** What is wrong with a request, whichever method it calls; undefined if nothing is. */
export function faultOf(request: FastifyRequest): HttpError | undefined {
  const fault = request.method === "GET" ? faultOfQuery(request) : undefined;
  if (fault !== undefined) return httpError(400, fault);
  return hasUrl(request) ? undefined : httpError(400, "the Host or the target of the request cannot be part of a URL");
}

/** Why a request without faults is no call of the method; undefined if it is one. */
export function refusalOf(handler: UniversalHandler, request: FastifyRequest): HttpError | undefined {
  const { allowedMethods, method, requestPath } = handler;
  if (method.methodKind === "bidi_streaming" && request.raw.httpVersionMajor === 1) {
    return httpError(505);
  }
  if (!allowedMethods.includes(request.method)) {
    const allow = allowedMethods.join(", ");
    return httpError(405, `${requestPath} takes ${allow} only`, { allow });
  }
  const contentType = request.headers["content-type"] ?? "";
  if (
    request.method === "GET"
      ? isReadable(contentType, request)
      : isOfProtocol(contentType, method.methodKind !== "unary")
  )
    return undefined;
  return httpError(415, "the Content-Type is none of Connect, gRPC or gRPC-Web for this method");
}

/** Whether a POST is of one of the protocols. */
function isOfProtocol(contentType: string, isStream: boolean): boolean {
  const ofConnect = parseConnectType(contentType);
  if (ofConnect) return ofConnect.stream === isStream;
  return (parseGrpcType(contentType) ?? parseGrpcWebType(contentType)) !== undefined;
}

/** Whether a GET, which needs no Content-Type, is in a format of Connect. */
function isReadable(contentType: string, request: FastifyRequest): boolean {
  if (contentType !== "" && !contentTypeUnaryRegExp.test(contentType)) return false;
  return /^(?:json|proto)$/.test(queryOf(request).get("encoding") ?? "");
}

/** What is wrong with the query of a Connect GET, that it would be read as something else than the client meant. */
function faultOfQuery(request: FastifyRequest): string | undefined {
  try {
    decodeURIComponent(request.url);
  } catch {
    return "the query is not percent-encoded UTF-8";
  }
  const parameters = queryOf(request);
  const message = parameters.get("message") ?? "";
  if (parameters.get("base64") === "1" && !/^(?:[\w+/-]{4})*(?:[\w+/-]{2,3}={0,2})?$/.test(message)) {
    return "the query parameter message is not base64";
  }
  return undefined;
}

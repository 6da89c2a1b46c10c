/**
 * Refuses requests that are not a call of the method at their path.
 *
 * To report: "Handlers answer 405, 415 and 505 with an empty body, and 405 without the header Allow." And of connect-fastify:
 * "A request without a Host, or with one that cannot be part of a URL, is never answered."
 */
import type { FastifyRequest } from "fastify";
import { ProblemError, problem, problemOfStatus } from "../problem.ts";
import {
  contentTypeUnaryRegExp,
  parseConnectType,
  parseGrpcType,
  parseGrpcWebType,
  type UniversalHandler,
} from "./internals.ts";

/** Why a request is no call of the method; undefined if it is one. */
export function refusalOf(handler: UniversalHandler, request: FastifyRequest): ProblemError | undefined {
  const { allowedMethods, method, requestPath } = handler;
  const isGet = request.method === "GET";
  const query = isGet ? request.url.slice(request.url.indexOf("?") + 1) : "";
  const fault = isGet ? faultOfQuery(query) : undefined;
  if (fault !== undefined) return malformed(fault);
  if (!hasHost(request)) return malformed("the request has no Host, or one that cannot be part of a URL");
  if (method.methodKind === "bidi_streaming" && request.raw.httpVersionMajor === 1) {
    const detail = "a call that streams both ways needs HTTP/2";
    return new ProblemError(problem(505, { code: "UNIMPLEMENTED", reason: "HTTP_VERSION_NOT_SUPPORTED", detail }));
  }
  if (!allowedMethods.includes(request.method)) {
    const allow = allowedMethods.join(", ");
    return new ProblemError(problemOfStatus(405, `${requestPath} takes ${allow} only`), { allow });
  }
  const contentType = request.headers["content-type"] ?? "";
  if (isGet ? isReadable(contentType, query) : isOfProtocol(contentType, method.methodKind !== "unary"))
    return undefined;
  const detail = "the Content-Type is none of Connect, gRPC or gRPC-Web for this method";
  return new ProblemError(problemOfStatus(415, detail));
}

function malformed(detail: string): ProblemError {
  return new ProblemError(problemOfStatus(400, detail));
}

/** Whether a POST is of one of the protocols. */
function isOfProtocol(contentType: string, isStream: boolean): boolean {
  const ofConnect = parseConnectType(contentType);
  if (ofConnect) return ofConnect.stream === isStream;
  return (parseGrpcType(contentType) ?? parseGrpcWebType(contentType)) !== undefined;
}

/** Whether a GET, which needs no Content-Type, is in a format of Connect. */
function isReadable(contentType: string, query: string): boolean {
  if (contentType !== "" && !contentTypeUnaryRegExp.test(contentType)) return false;
  return /^(?:json|proto)$/.test(new URLSearchParams(query).get("encoding") ?? "");
}

/** Hosts that have been found good: making a URL takes longer than all other checks. */
const goodHosts = new Set<string>();
const maxGoodHosts = 1_000;
/** The longest name in DNS. */
const maxGoodLength = 255;

/** Whether Connect can make a URL of a request. */
function hasHost({ raw }: FastifyRequest): boolean {
  const host = "authority" in raw ? raw.authority : raw.headers.host;
  if (typeof host !== "string") return false;
  if (goodHosts.has(host)) return true;
  if (!URL.canParse(raw.url ?? "", `http://${host}`)) return false;
  if (goodHosts.size < maxGoodHosts && host.length <= maxGoodLength) goodHosts.add(host);
  return true;
}

/** What is wrong with the query of a Connect GET, that it would be read as something else than the client meant. */
function faultOfQuery(query: string): string | undefined {
  try {
    decodeURIComponent(query);
  } catch {
    return "the query is not percent-encoded UTF-8";
  }
  const parameters = new URLSearchParams(query);
  const message = parameters.get("message") ?? "";
  if (parameters.get("base64") === "1" && !/^(?:[\w+/-]{4})*(?:[\w+/-]{2,3}={0,2})?$/.test(message)) {
    return "the query parameter message is not base64";
  }
  return undefined;
}

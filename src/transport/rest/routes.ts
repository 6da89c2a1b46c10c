/** REST/JSON for services, on Fastify. Every route comes from a google.api.http annotation of the schema. */
import type { IncomingMessage } from "node:http";
import type { DescMessage, MessageShape, Registry } from "@bufbuild/protobuf";
import { ConnectError, type ContextValues, type Interceptor } from "@connectrpc/connect";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { DomainError } from "../../domain/failure.ts";
import { shortValue } from "../../domain/short-text.ts";
import type { ServiceBinding } from "../../rpc/service.ts";
import { etagOf, isMatch, isNotModified, versionOf } from "../etag.ts";
import { receiveBody } from "../request-body.ts";
import { readHeaders } from "../request-headers.ts";
import { createShutdownNotices, type ShutdownNotices } from "../shutdown-notices.ts";
import { type Call, createCallers, type StartCall } from "../unary.ts";
import { type RestBinding, readBindings } from "./bindings.ts";
import { createDecoder, type RestDecoder } from "./decode.ts";
import { createEncoder, type RestEncoder } from "./encode.ts";
import { commonPrefix } from "./path-template.ts";
import { createOtherReadings, type FindOtherReading, isEmpty } from "./plus-signs.ts";
import { refuseUncompared } from "./preconditions.ts";
import { ProblemError, problemFromError, problemOfStatus, routeNotFound, sendProblem } from "./problem-details.ts";
import { readRequest, splitUrl } from "./request.ts";
import { createRouter, type RouteMatch, type Router } from "./router.ts";

export interface RestOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  readonly maxBodyBytes: number;
  /** The messages that google.protobuf.Any may carry; none if it is not given. */
  readonly registry?: Registry | undefined;
  /** Aborts the signals of all calls under way. */
  readonly shutdownSignal?: AbortSignal;
  /** What interceptors and handlers shall know of a request besides its headers. */
  readonly contextValues?: (request: FastifyRequest) => ContextValues;
}

/** What is known of a binding before the first request. */
interface Endpoint {
  readonly binding: RestBinding;
  readonly decode: RestDecoder;
  readonly encode: RestEncoder;
  readonly otherReading: FindOtherReading;
  readonly startCall: StartCall;
}

/**
 * Mounts the services' REST routes. They take every path under the common prefix of their templates that no other route of
 * the Fastify instance takes, and answer unknown ones with ROUTE_NOT_FOUND. What Fastify refuses before, such as too large a
 * body, is left to the instance's error handler. Throws an Error for a rule that cannot be served.
 */
export function registerRestRoutes(fastify: FastifyInstance, options: RestOptions): void {
  const shutdown = createShutdownNotices(options.shutdownSignal);
  const callerOf = createCallers({ interceptors: [...options.interceptors, refuseUncompared], shutdown });
  const endpoints = options.services.flatMap((service) =>
    readBindings(service.service).map(
      (binding): Endpoint => ({
        binding,
        decode: createDecoder(binding, options.registry),
        encode: createEncoder(binding, options.registry),
        otherReading: createOtherReadings(binding),
        startCall: callerOf(service, binding.method.localName),
      }),
    ),
  );
  if (endpoints.length === 0) return;
  const router = createRouter(
    endpoints.map((value) => ({ httpMethod: value.binding.httpMethod, template: value.binding.template, value })),
  );
  allowMethods(fastify, endpoints);
  // Fastify's own router cannot tell `/concerts/1:cancel` from `/concerts/1`, so a wildcard route takes them all.
  fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (request: FastifyRequest, payload: IncomingMessage) =>
      receiveAll(request, payload, options.maxBodyBytes, shutdown),
    );
    const prefix = commonPrefix(endpoints.map(({ binding }) => binding.template));
    for (const url of prefix === "" ? ["/*"] : [prefix, `${prefix}/*`]) {
      scope.route({
        method: routedMethods(scope, endpoints),
        url,
        bodyLimit: options.maxBodyBytes,
        handler: (request, reply) => answer(request, reply, router, options.contextValues),
      });
    }
  });
}

/**
 * A request's body. Throws a ProblemError if it is too long, or if the client has gone before it was through, and the
 * shutdown's reason if that comes first.
 */
async function receiveAll(
  { headers }: FastifyRequest,
  payload: IncomingMessage,
  maxBytes: number,
  shutdown: ShutdownNotices,
): Promise<Uint8Array> {
  if (Number(headers["content-length"]) > maxBytes) throw new ProblemError(problemOfStatus(413));
  const body = await receiveBody(payload, maxBytes, shutdown);
  if (body === undefined) throw new ProblemError(problemOfStatus(400, "the request has ended before its body"));
  if (body.length > maxBytes) throw new ProblemError(problemOfStatus(413));
  return body;
}

/** Makes Fastify accept the methods of `custom` rules. */
function allowMethods(fastify: FastifyInstance, endpoints: readonly Endpoint[]): void {
  for (const { binding } of endpoints) {
    const { httpMethod } = binding;
    if (httpMethod === "*" || fastify.supportedMethods.includes(httpMethod)) continue;
    fastify.addHttpMethod(httpMethod, { hasBody: true });
  }
}

/** All methods but OPTIONS, which belongs to CORS unless a rule asks for it. */
function routedMethods(fastify: FastifyInstance, endpoints: readonly Endpoint[]): string[] {
  const asked = new Set(endpoints.map(({ binding }) => binding.httpMethod));
  return fastify.supportedMethods.filter((method) => method !== "OPTIONS" || asked.has(method));
}

/** Finds the endpoint of a request and answers with what it says. */
async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  router: Router<Endpoint>,
  contextValues: RestOptions["contextValues"],
): Promise<FastifyReply> {
  const { path, query } = splitUrl(request.url);
  let call: Call | undefined;
  try {
    const { endpoint, rawSegments } = findEndpoint(router, request.method, path);
    const { binding, decode, encode } = endpoint;
    const message = decode(readRequest(request, binding, rawSegments, query));
    call = startCall(endpoint, message, request, reply, contextValues);
    const response = await call.answer;
    const other = endpoint.otherReading(query, message, response);
    if (other !== undefined) {
      copyHeaders(call.responseHeader, reply);
      // The headers about rate limits are the second call's, which counts too.
      call = startCall(endpoint, other.message, request, reply, contextValues);
      if (await findsSomething(call, binding)) throw other.problem;
    }
    const { status, body, location } = encode(response, path);
    copyHeaders(call.responseHeader, reply);
    if (location !== undefined) reply.header("location", location);
    if (tag(request, reply, binding, body, versionOf(response))) return reply.code(304).send();
    return reply.code(status).type("application/json; charset=utf-8").send(body);
  } catch (error) {
    if (call !== undefined) copyHeaders(call.responseHeader, reply);
    if (error instanceof ConnectError) copyHeaders(error.metadata, reply);
    // What comes from handlers is a ConnectError by now, made and logged by an interceptor.
    else if (!(error instanceof ProblemError || error instanceof DomainError))
      request.log.error({ err: error }, "a REST request failed");
    return sendProblem(reply, problemFromError(error), error instanceof ProblemError ? error.headers : {});
  }
}

function startCall(
  endpoint: Endpoint,
  message: MessageShape<DescMessage>,
  request: FastifyRequest,
  reply: FastifyReply,
  contextValues: RestOptions["contextValues"],
): Call {
  const call = endpoint.startCall(message, {
    protocolName: "rest",
    httpMethod: request.method,
    url: `http://${request.host}${request.url}`,
    header: readHeaders(request.headers),
    contextValues: contextValues?.(request),
  });
  // The response closes when it is complete, and before that only if the client has gone away.
  reply.raw.once("close", call.cancel);
  return call;
}

/** Whether a read finds something. One that is refused, such as for another user's bookings, finds nothing. */
async function findsSomething({ answer }: Call, { method }: RestBinding): Promise<boolean> {
  const response = await answer.catch(() => undefined);
  return response !== undefined && !isEmpty(method.output, response);
}

/**
 * Sets the ETag: of every read, and of a change's resource if it has a version. True if the client has the content of a
 * read already; throws a ProblemError if it is not the content that If-Match names.
 */
function tag(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { httpMethod }: RestBinding,
  body: string,
  version: number | undefined,
): boolean {
  const isRead = httpMethod === "GET";
  if (!isRead && version === undefined) return false;
  const etag = etagOf(body, version);
  if (isRead && !isMatch(headers["if-match"], etag, version)) throw new ProblemError(problemOfStatus(412));
  reply.header("etag", etag);
  return isRead && isNotModified(headers["if-none-match"], etag);
}

function findEndpoint(router: Router<Endpoint>, httpMethod: string, path: string) {
  const match = matchPath(router, httpMethod, path);
  if (match.kind === "found") return { endpoint: match.route.value, rawSegments: match.rawSegments };
  if (match.kind === "not_found") throw new ProblemError(routeNotFound(path));
  const allow = match.allowedMethods.join(", ");
  throw new ProblemError(problemOfStatus(405, `${shortValue(path)} takes ${allow}, not ${httpMethod}`), { allow });
}

function matchPath(router: Router<Endpoint>, httpMethod: string, path: string): RouteMatch<Endpoint> {
  try {
    return router.find(httpMethod, path);
  } catch {
    throw new ProblemError(problemOfStatus(400, "the path is not percent-encoded UTF-8"));
  }
}

/** The headers that handlers and interceptors set. What describes the body is the encoder's. */
function copyHeaders(headers: Headers, reply: FastifyReply): void {
  headers.forEach((value, name) => {
    if (name !== "content-type" && name !== "content-length") reply.header(name, value);
  });
}

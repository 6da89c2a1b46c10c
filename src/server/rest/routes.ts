/** REST/JSON for services, on Fastify. Every route comes from a google.api.http annotation of the schema. */
import type { IncomingMessage } from "node:http";
import { ConnectError, type ContextValues, type Interceptor } from "@connectrpc/connect";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { shortValue } from "../../domain/short-text.ts";
import type { ServiceBinding } from "../../rpc/service.ts";
import { etagOf, isNotModified } from "../etag.ts";
import { type Call, createCallers, type StartCall } from "../invoke.ts";
import { ProblemError, problemFromError, problemOfStatus, routeNotFound, sendProblem } from "../problem.ts";
import { receiveBody } from "../request-body.ts";
import { readHeaders } from "../request-headers.ts";
import { type RestBinding, readBindings } from "./bindings.ts";
import { createDecoder, type RestDecoder } from "./decode.ts";
import { createEncoder, type RestEncoder } from "./encode.ts";
import { readRequest, splitUrl } from "./request.ts";
import { createRouter, type RouteMatch, type Router } from "./router.ts";

export interface RestOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  readonly maxBodyBytes: number;
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
  readonly startCall: StartCall;
}

/**
 * Mounts the services' REST routes. They take every path that no other route of the Fastify instance takes, and answer
 * unknown ones with ROUTE_NOT_FOUND; what Fastify refuses before, such as too large a body, is left to the instance's
 * error handler. Throws an Error for a rule that cannot be served.
 */
export function registerRestRoutes(fastify: FastifyInstance, options: RestOptions): void {
  const callerOf = createCallers(options);
  const endpoints = options.services.flatMap((service) =>
    readBindings(service.service).map(
      (binding): Endpoint => ({
        binding,
        decode: createDecoder(binding),
        encode: createEncoder(binding),
        startCall: callerOf(service, binding.method.localName),
      }),
    ),
  );
  const router = createRouter(
    endpoints.map((value) => ({ httpMethod: value.binding.httpMethod, template: value.binding.template, value })),
  );
  allowMethods(fastify, endpoints);
  // Fastify's own router cannot tell `/concerts/1:cancel` from `/concerts/1`, so one wildcard route takes them all.
  fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (request: FastifyRequest, payload: IncomingMessage) =>
      receiveAll(request, payload, options.maxBodyBytes),
    );
    scope.route({
      method: routedMethods(scope, endpoints),
      url: "/*",
      bodyLimit: options.maxBodyBytes,
      handler: (request, reply) => answer(request, reply, router, options.contextValues),
    });
  });
}

/** A request's body. Throws a ProblemError if it is too long, or if the client has gone before it was through. */
async function receiveAll(
  { headers }: FastifyRequest,
  payload: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array> {
  if (Number(headers["content-length"]) > maxBytes) throw new ProblemError(problemOfStatus(413));
  const body = await receiveBody(payload, maxBytes);
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
    const message = endpoint.decode(readRequest(request, endpoint.binding, rawSegments, query));
    call = endpoint.startCall(message, {
      protocolName: "rest",
      httpMethod: request.method,
      url: `http://${request.host}${request.url}`,
      header: readHeaders(request.headers),
      contextValues: contextValues?.(request),
    });
    // The response closes when it is complete, and before that only if the client has gone away.
    reply.raw.once("close", call.cancel);
    const { status, body, location } = endpoint.encode(await call.answer, path);
    copyHeaders(call.responseHeader, reply);
    if (location !== undefined) reply.header("location", location);
    if (endpoint.binding.httpMethod === "GET") {
      const etag = etagOf(body);
      reply.header("etag", etag);
      if (isNotModified(request.headers["if-none-match"], etag)) return reply.code(304).send();
    }
    return reply.code(status).type("application/json; charset=utf-8").send(body);
  } catch (error) {
    if (call !== undefined) copyHeaders(call.responseHeader, reply);
    if (error instanceof ConnectError) copyHeaders(error.metadata, reply);
    // What comes from handlers is a ConnectError by now, made and logged by an interceptor.
    else if (!(error instanceof ProblemError)) request.log.error({ err: error }, "a REST request failed");
    return sendProblem(reply, problemFromError(error), error instanceof ProblemError ? error.headers : {});
  }
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

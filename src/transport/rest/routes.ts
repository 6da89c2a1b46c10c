/**
 * REST/JSON for services, on Fastify. This folder is a complete transcoder of google.api.http: every route comes from an
 * annotation of the schema (bindings.ts), is found by its path template (router.ts), and makes a request message of path,
 * query and body (decode.ts). The call itself is that of the other protocols (../unary.ts).
 */
import type { IncomingMessage } from "node:http";
import type { DescMessage, MessageShape, Registry } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { shortValue } from "../../domain/short-text.ts";
import { createCallContext } from "../../rpc/call-context.ts";
import type { ServiceBinding } from "../../rpc/service.ts";
import { etagOf, isMatch, isNotModified, refuseUncompared, versionOf } from "../conditional-requests.ts";
import { httpError, routeNotFound } from "../http-errors.ts";
import { arrivalOf, hostOf, readHeaders, splitTarget } from "../request.ts";
import { receiveAll } from "../request-body.ts";
import type { SendError } from "../send-error.ts";
import { createShutdownNotices } from "../shutdown-notices.ts";
import { type Call, createCaller, type StartCall, setHeaders } from "../unary.ts";
import { type RestBinding, readBindings } from "./bindings.ts";
import { createDecoder, type RestDecoder } from "./decode.ts";
import { createEncoder, type RestEncoder } from "./encode.ts";
import { commonPrefix } from "./path-template.ts";
import { createOtherReadings, type FindOtherReading, isEmpty } from "./plus-signs.ts";
import { createRouter, type RouteMatch, type Router } from "./router.ts";

export interface RestOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  readonly maxBodyBytes: number;
  /** The messages that google.protobuf.Any may carry; none if it is not given. */
  readonly registry?: Registry | undefined;
  /** Aborts the signals of all calls under way. */
  readonly shutdownSignal?: AbortSignal;
  readonly sendError: SendError;
}

/** A binding with what is made of it before the first request. */
interface Endpoint extends RestBinding {
  readonly decode: RestDecoder;
  readonly encode: RestEncoder;
  readonly otherReading: FindOtherReading | undefined;
  readonly startCall: StartCall;
}

/**
 * Mounts the services' REST routes. They take every path under the common prefix of their templates that no other route of
 * the Fastify instance takes, and answer unknown ones with ROUTE_NOT_FOUND. Throws an Error for a rule that cannot be served.
 */
export function registerRestRoutes(fastify: FastifyInstance, options: RestOptions): void {
  const { services, interceptors, maxBodyBytes, registry, sendError } = options;
  const shutdown = createShutdownNotices(options.shutdownSignal);
  const around = { interceptors: [...interceptors, refuseUncompared], shutdown };
  const endpoints = services.flatMap((service) =>
    readBindings(service.service).map(
      (binding): Endpoint => ({
        ...binding,
        decode: createDecoder(binding, registry),
        encode: createEncoder(binding, registry),
        otherReading: createOtherReadings(binding),
        startCall: createCaller(service, binding.method.localName, around),
      }),
    ),
  );
  if (endpoints.length === 0) return;
  const router = createRouter(endpoints);
  allowMethods(fastify, endpoints);
  // Fastify's own router cannot distinguish `/concerts/1:cancel` from `/concerts/1`, so a wildcard route receives both.
  fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (request: FastifyRequest, payload: IncomingMessage) =>
      receiveAll(request, payload, maxBodyBytes, shutdown),
    );
    const prefix = commonPrefix(endpoints.map(({ template }) => template));
    for (const url of prefix === "" ? ["/*"] : [prefix, `${prefix}/*`]) {
      scope.route({
        method: routedMethods(scope, endpoints),
        url,
        bodyLimit: maxBodyBytes,
        handler: (request, reply) => answer(request, reply, router, sendError),
      });
    }
  });
}

/** Makes Fastify accept the methods of `custom` rules. */
function allowMethods(fastify: FastifyInstance, endpoints: readonly Endpoint[]): void {
  for (const { httpMethod } of endpoints) {
    if (httpMethod === "*" || fastify.supportedMethods.includes(httpMethod)) continue;
    fastify.addHttpMethod(httpMethod, { hasBody: true });
  }
}

/** All methods but OPTIONS, which belongs to CORS unless a rule names it. */
function routedMethods(fastify: FastifyInstance, endpoints: readonly Endpoint[]): string[] {
  const asked = new Set(endpoints.map(({ httpMethod }) => httpMethod));
  return fastify.supportedMethods.filter((method) => method !== "OPTIONS" || asked.has(method));
}

/** Answers a request by the endpoint that its path names. */
async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  router: Router<Endpoint>,
  sendError: SendError,
): Promise<FastifyReply> {
  const { path, query } = splitTarget(request.url);
  let call: Call | undefined;
  try {
    const { endpoint, variables } = findEndpoint(router, request.method, path);
    const message = endpoint.decode(request, variables, query);
    call = startCall(endpoint, message, request, reply);
    const response = await call.answer;
    const other = query.includes("+") ? endpoint.otherReading?.(query, message, response) : undefined;
    if (other !== undefined) {
      setHeaders(reply, call.responseHeader);
      // The headers about rate limits are the second call's, which counts too.
      call = startCall(endpoint, other.message, request, reply);
      if (await findsSomething(call, endpoint)) throw other.error;
    }
    const { status, body, location } = endpoint.encode(response, path);
    setHeaders(reply, call.responseHeader);
    if (location !== undefined) reply.header("location", location);
    if (tag(request, reply, endpoint, body, versionOf(response))) return reply.code(304).send();
    return reply.code(status).type("application/json; charset=utf-8").send(body);
  } catch (error) {
    if (call !== undefined) setHeaders(reply, call.responseHeader);
    return sendError(error, request, reply);
  }
}

function startCall(
  endpoint: Endpoint,
  message: MessageShape<DescMessage>,
  request: FastifyRequest,
  reply: FastifyReply,
): Call {
  const call = endpoint.startCall(message, {
    protocolName: "rest",
    httpMethod: request.method,
    url: `http://${hostOf(request.raw) ?? ""}${request.url}`,
    header: readHeaders(request.headers),
    contextValues: createCallContext(arrivalOf(request, "rest")),
  });
  // The response closes when it is complete, and before that only if the client has disconnected.
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
 * read already; throws an HttpError if it is not the content that If-Match names.
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
  if (isRead && !isMatch(headers, etag, version)) throw httpError(412);
  reply.header("etag", etag);
  return isRead && isNotModified(headers, etag);
}

function findEndpoint(router: Router<Endpoint>, httpMethod: string, path: string) {
  let match: RouteMatch<Endpoint>;
  try {
    match = router.find(httpMethod, path);
  } catch {
    throw httpError(400, "the path is not percent-encoded UTF-8");
  }
  if (match.kind === "found") return { endpoint: match.route, variables: match.variables };
  if (match.kind === "not_found") throw routeNotFound(path);
  const allow = match.allowedMethods.join(", ");
  throw httpError(405, `${shortValue(path)} takes ${allow}, not ${httpMethod}`, { allow });
}

/**
 * How bytes become calls. This file puts the HTTP application together: the RPC protocols (connect/), REST (rest/), tools for
 * assistants (mcp/), the OpenAPI document and its page (documents/), health, reflection, CORS. The sockets are those of
 * listener/. Every unary call, whatever its protocol, goes through unary.ts.
 */
import type { Registry } from "@bufbuild/protobuf";
import { cors, type Interceptor } from "@connectrpc/connect";
import fastifyCors from "@fastify/cors";
import Fastify, {
  type DoneFuncWithErrOrRes,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { createAddressMatcher } from "../domain/address.ts";
import type { Publish } from "../domain/publish.ts";
import type { Admit } from "../rpc/admission.ts";
import type { ServiceBinding } from "../rpc/service.ts";
import { registerConnect } from "./connect/mount.ts";
import { registerDocuments } from "./documents/routes.ts";
import type { TransportEvents } from "./events.ts";
import { cleanForwardedFor } from "./forwarded-for.ts";
import { bindHealth, registerHealthRoutes } from "./health.ts";
import { routeNotFound } from "./http-errors.ts";
import { allowLoopbackOnly } from "./loopback-only.ts";
import type { ResourceAuth } from "./mcp/protected-resource.ts";
import { registerMcp } from "./mcp/routes.ts";
import type { Readiness } from "./readiness.ts";
import { bindReflection } from "./reflection.ts";
import { isGrpc, splitTarget } from "./request.ts";
import { requestIdHeader, requestIdOf } from "./request-id.ts";
import { registerRestRoutes } from "./rest/routes.ts";
import { createSendError } from "./send-error.ts";

export interface HttpAppOptions {
  readonly services: readonly ServiceBinding[];
  /** Around every call of the services. Health and reflection have none: they must answer every client, at any load. */
  readonly interceptors: Interceptor[];
  readonly readiness: Readiness;
  /** The origins whose scripts may call. An empty list allows none. */
  readonly corsOrigins: "*" | readonly string[];
  /** Names of request headers that pages may send besides the built-in ones. */
  readonly corsAllowedHeaders?: readonly string[];
  /** Whether requests must name this machine as their host and origin. */
  readonly loopbackOnly?: boolean;
  readonly maxBodyBytes: number;
  /** Addresses and networks of the proxies whose X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Proto are used. */
  readonly trustedProxies: readonly string[];
  readonly publish: Publish<TransportEvents>;
  /** For what Fastify itself has to report. */
  readonly logger: FastifyBaseLogger;
  /** Aborts the calls under way, at the end of the grace period. Open streams end when readiness drains. */
  readonly shutdownSignal: AbortSignal;
  /** Whether unary calls are answered without Connect's pipeline where they can be: true if it is not given. */
  readonly fastPath?: boolean;
  /** The messages that google.protobuf.Any may carry in JSON; none if it is not given. */
  readonly registry?: Registry;
  /** Whether assistants may call the methods that the schema offers as tools. */
  readonly mcp?: boolean;
  /** Counts requests that call no method; they are not counted if it is not given. */
  readonly admit?: Admit;
  /** How callers are authenticated. Without tokens if it is not given. */
  readonly auth?: ResourceAuth;
}

/** Creates the application. It takes requests through `routing` and owns no connections. */
export async function createHttpApp(options: HttpAppOptions): Promise<FastifyInstance> {
  const { services, interceptors, readiness, maxBodyBytes, publish, shutdownSignal } = options;
  const sendError = createSendError(publish);
  const fastify = Fastify({
    loggerInstance: options.logger,
    // The interceptors log calls.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "request_id" }),
    bodyLimit: maxBodyBytes,
    // For request.ip, by which anonymous callers are counted.
    trustProxy: options.trustedProxies.length > 0 && createAddressMatcher(options.trustedProxies),
    // Most of a path is REST's wildcard to Fastify; its length is bounded with that of the headers.
    routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER },
    frameworkErrors: sendError,
    genReqId: requestIdOf,
  });
  fastify.setErrorHandler(sendError);
  // The routes that take bodies have their own parsers.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser("*", (_request, _payload, done) => done(null));
  fastify.setNotFoundHandler((request, reply) => {
    return sendError(routeNotFound(splitTarget(request.url).path), request, reply);
  });

  if (options.trustedProxies.length > 0) cleanForwardedFor(fastify);
  fastify.addHook("onRequest", (request, reply, done) => {
    reply.header(requestIdHeader, request.id);
    // Browsers cannot call by gRPC, whose responses have to be short.
    if (!isGrpc(request)) reply.header("x-content-type-options", "nosniff");
    done();
  });
  if (options.loopbackOnly) allowLoopbackOnly(fastify);
  await registerCors(fastify, options.corsOrigins, options.corsAllowedHeaders ?? []);
  const { fastPath = true, registry } = options;
  const common = { maxMessageBytes: maxBodyBytes, shutdownSignal, publish, fastPath, registry };
  await registerConnect(fastify, { ...common, services, interceptors });
  await registerConnect(fastify, { ...common, services: bindInfrastructure(services, readiness), interceptors: [] });
  registerHealthRoutes(fastify, readiness);
  await registerDocuments(fastify, options.admit);
  registerRestRoutes(fastify, {
    services,
    interceptors,
    maxBodyBytes,
    registry,
    shutdownSignal,
    sendError,
  });
  if (options.mcp) registerMcp(fastify, { auth: { mode: "none" }, ...options });
  await fastify.ready();
  return fastify;
}

/** The services that every server has: health, and reflection of them all. */
function bindInfrastructure(bindings: readonly ServiceBinding[], readiness: Readiness): ServiceBinding[] {
  const served = [...bindings.map(({ service }) => service), Health];
  const reflection = bindReflection(served, readiness.draining);
  return [bindHealth([...served, ...reflection.map(({ service }) => service)], readiness), ...reflection];
}

async function registerCors(
  fastify: FastifyInstance,
  origins: "*" | readonly string[],
  moreHeaders: readonly string[],
): Promise<void> {
  // The plugin sends 204 with a Content-Length, which RFC 9110 (8.6) forbids. Other routes need not pay for this hook.
  fastify.addHook("onRoute", (route) => {
    if ([route.method].flat().includes("OPTIONS")) route.onSend = dropLengthOf204;
  });
  await fastify.register(fastifyCors, {
    origin: origins === "*" ? "*" : origins.length > 0 && [...origins],
    methods: ["GET", "HEAD", "POST", "PUT", "OPTIONS"],
    allowedHeaders: [
      ...cors.allowedHeaders,
      ...["Authorization", "Cache-Control", "Idempotency-Key", "If-Match", "If-None-Match"],
      // What tracing in the page adds to every request.
      ...["traceparent", "tracestate", "baggage", "X-Request-Id"],
      // What the Model Context Protocol repeats of the body.
      ...["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"],
      ...moreHeaders,
    ],
    // As one text: a list would be joined for every answer.
    exposedHeaders: [
      ...cors.exposedHeaders,
      ...["ETag", "Idempotency-Replayed", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"],
      ...["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "traceresponse"],
    ].join(", "),
    // Browsers cap it at this or less.
    maxAge: 7200,
    // An OPTIONS that is no preflight is answered as well: with what is allowed.
    strictPreflight: false,
  });
}

function dropLengthOf204(
  _request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: DoneFuncWithErrOrRes,
): void {
  if (reply.statusCode === 204) reply.removeHeader("content-length");
  done(null, payload);
}

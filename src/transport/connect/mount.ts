/**
 * gRPC, gRPC-Web and Connect: mounts RPC services on Fastify with `@connectrpc/connect-fastify`, each method at one path for
 * all three protocols. Hooks refuse requests that are not a call of the method (refusals.ts) and pass unary calls to the fast
 * path (fast-path/). Connect answers streams, and what the fast path does not own (pipeline.ts).
 */
import { createRegistry, type Registry } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, createContextValues, type Interceptor } from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Publish } from "../../domain/publish.ts";
import { createCallContext, protocolOf } from "../../rpc/call-context.ts";
import type { ServiceBinding } from "../../rpc/service.ts";
import { setWire } from "../../rpc/streams/open-stream.ts";
import { setPermit, tooManyStreams } from "../../rpc/streams/stream-limits.ts";
import type { TransportEvents } from "../events.ts";
import { isGone } from "../gone.ts";
import { arrivalOf, isGrpc } from "../request.ts";
import { createShutdownNotices } from "../shutdown-notices.ts";
import { createFastPath } from "./fast-path/fast-path.ts";
import { refuseGrpc } from "./grpc-refusal.ts";
import type { UniversalHandler } from "./internals.ts";
import { mend, setReply } from "./pipeline.ts";
import { faultOf, refusalOf } from "./refusals.ts";
import { breakOff } from "./responses.ts";
import { checkConnectVersion, gzipOnly } from "./workarounds.ts";

interface ConnectOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  /** The largest message, before and after decompression. */
  readonly maxMessageBytes: number;
  readonly shutdownSignal: AbortSignal;
  readonly publish: Publish<TransportEvents>;
  /** Whether unary calls are answered without Connect's pipeline where they can be. */
  readonly fastPath: boolean;
  /** The messages that google.protobuf.Any may carry in JSON. */
  readonly registry?: Registry | undefined;
}

const createJsonOptions = (registry: Registry = createRegistry()) => ({
  registry,
  alwaysEmitImplicit: true,
  // To report: "Broken UTF-8 in JSON is read as U+FFFD, unless the option textDecoder, which the types lack, is given."
  textDecoder: new TextDecoder("utf-8", { fatal: true }),
});

/** Adds a route for every method of the services. */
export async function registerConnect(fastify: FastifyInstance, options: ConnectOptions): Promise<void> {
  const { services, interceptors, maxMessageBytes, shutdownSignal } = options;
  const jsonOptions = createJsonOptions(options.registry);
  const shutdown = createShutdownNotices(shutdownSignal);
  const fastPath = options.fastPath
    ? createFastPath({ ...options, jsonOptions, compression: gzipOnly, shutdown })
    : undefined;
  const mending = { ...options, shutdown };
  /** By path. */
  const handlers = new Map<string, UniversalHandler>();
  const values = new WeakMap<FastifyRequest, ContextValues>();

  await fastify.register(async (scope) => {
    // Connect and the fast path read bodies themselves, whatever their type. To report of connect-fastify: "Fastify answers 415
    // to content types that Connect takes, or refuses itself: the plugin has parsers for the usual ones only."
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    scope.addHook("onRoute", (route) => {
      const handler = handlers.get(route.url);
      if (handler === undefined) return;
      // To report of connect-fastify: "The routes take OPTIONS, so that a CORS plugin for other routes sees no preflights."
      route.method = [route.method].flat().filter((each) => each !== "OPTIONS");
      const binding = services.find(({ service }) => service === handler.service);
      const tryAcquire = handler.method.methodKind === "unary" ? undefined : binding?.tryAcquire;
      // Neither path needs what Fastify does after this hook.
      route.onRequest = (request, reply, done) => {
        const fault = faultOf(request);
        if (fault) return done(fault);
        if (fastPath?.answer(handler.method, request, reply)) return;
        const refusal = refusalOf(handler, request);
        if (refusal) return done(refusal);
        const prepared = prepare(reply, tryAcquire, options.publish);
        if (prepared === undefined) return;
        values.set(request, prepared);
        done();
      };
      const { handler: write } = route;
      route.handler = async function (request, reply) {
        // Before the plugin reads the request, which can throw.
        reply.hijack();
        await write.call(this, request, reply);
        if (reply.raw.headersSent || isGone(reply)) return;
        breakOff(reply, handler.requestPath, new Error("Connect has written no response"), options.publish);
      };
    });
    await scope.register(fastifyConnectPlugin, {
      routes(router) {
        for (const { service, implementation } of services) router.service(service, implementation);
        for (const [index, handler] of router.handlers.entries()) {
          handlers.set(handler.requestPath, handler);
          router.handlers[index] = mend(handler, mending);
        }
      },
      interceptors,
      readMaxBytes: maxMessageBytes,
      // Not brotli: its decoder allocates up to 16 MB before it returns a byte to count, however small the input is.
      acceptCompression: [gzipOnly],
      requestGate: checkConnectVersion,
      jsonOptions,
      contextValues: (request) => values.get(request) ?? createContextValues(),
      shutdownSignal,
    });
  });
}

/**
 * Prepares the values of a call that Connect answers. It runs in a hook, whose errors are answered. Undefined if the call is
 * refused for the limit of its streams.
 *
 * To report: "A request is answered 200 with an empty body if contextValues throws."
 */
function prepare(
  reply: FastifyReply,
  tryAcquire: ServiceBinding["tryAcquire"],
  publish: Publish<TransportEvents>,
): ContextValues | undefined {
  const { request, raw } = reply;
  const isLimited = tryAcquire && isGrpc(request) && request.raw.httpVersionMajor === 2;
  const permit = isLimited ? tryAcquire(request.ip) : undefined;
  if (isLimited && !permit) {
    const code = Code.ResourceExhausted;
    const { id: requestId, method, routeOptions } = request;
    publish("transport.request_refused", { requestId, method, route: routeOptions.url ?? "", code: Code[code] });
    refuseGrpc(reply, new ConnectError(tooManyStreams, code));
    return undefined;
  }
  const values = createCallContext(arrivalOf(request, protocolOf(request.headers["content-type"])));
  if (permit) {
    raw.once("close", permit.release);
    setPermit(values, permit);
  }
  setWire(values, {
    cutAfter: (delayMs) => cutAfter(delayMs, reply),
    unsentBytes: () => raw.writableLength,
    onClose: (release) => void (isGone(reply) ? release() : raw.once("close", release)),
  });
  setReply(values, reply);
  return values;
}

/** Destroys the response unless it closes in time. */
function cutAfter(delayMs: number, reply: FastifyReply): void {
  if (isGone(reply)) return;
  const timer = setTimeout(() => reply.raw.destroy(), delayMs);
  reply.raw.once("close", () => clearTimeout(timer));
}

/** Mounts RPC services on Fastify: each method answers gRPC, gRPC-Web and Connect at one path. */
import { createRegistry, type Registry } from "@bufbuild/protobuf";
import { Code, ConnectError, createConnectRouter, type Interceptor } from "@connectrpc/connect";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { contextValuesOf } from "../rpc/caller.ts";
import type { ServiceBinding } from "../rpc/service.ts";
import { createCallSignals } from "./call-signals.ts";
import { createFastPath } from "./connect/fast-path/fast-path.ts";
import { failWith, mendError, yieldOnce } from "./connect-faults.ts";
import { checkConnectVersion, dropAllowedLength, dropEndlessTimeout } from "./connect-headers.ts";
import { boundStreamEnd, boundTrailer } from "./error-limits.ts";
import { isGrpc, refuseGrpc } from "./grpc-refusal.ts";
import { ProblemError, problem, problemOfStatus } from "./problem.ts";
import type { RefusedBodies } from "./refused-bodies.ts";
import { receiveBody, streamBody } from "./request-body.ts";
import { createShutdownNotices, type ShutdownNotices } from "./shutdown-notices.ts";
import { setCut, setPlace, tooManyStreams } from "./stream-limits.ts";

export interface ConnectOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  /** The largest message, before and after decompression. */
  readonly maxMessageBytes: number;
  readonly refusedBodies: RefusedBodies;
  readonly shutdownSignal: AbortSignal;
  readonly logger: Logger;
  /** Whether unary calls are answered without Connect's pipeline where they can be. */
  readonly fastPath: boolean;
  /** The messages that google.protobuf.Any may carry in JSON. */
  readonly registry?: Registry | undefined;
}

/** What the protocols may put before a message. */
const envelopeBytes = 5;

const createJsonOptions = (registry: Registry = createRegistry()) => ({
  registry,
  alwaysEmitImplicit: true,
  // A lenient decoder would make U+FFFD of what the client sent as broken UTF-8. Connect's types do not tell of this one.
  textDecoder: new TextDecoder("utf-8", { fatal: true }),
});

interface Mount extends ConnectOptions {
  readonly signalOf: (request: AbortSignal) => AbortSignal;
  readonly shutdown: ShutdownNotices;
}

type Router = ReturnType<typeof createConnectRouter>;
type Handler = Router["handlers"][number];
type Answered = Awaited<ReturnType<Handler>>;
type Compression = typeof compressionGzip;

/** Adds a route for every method of the services. */
export async function registerConnect(fastify: FastifyInstance, options: ConnectOptions): Promise<void> {
  const jsonOptions = createJsonOptions(options.registry);
  const compression = blamingTheClient(compressionGzip);
  const router = createConnectRouter({
    interceptors: options.interceptors,
    readMaxBytes: options.maxMessageBytes,
    // Not brotli: its decoder takes up to 16 MB before the first byte is out and counted, however few bytes came in.
    acceptCompression: [compression],
    requestGate: checkConnectVersion,
    jsonOptions,
  });
  for (const { service, implementation } of options.services) router.service(service, implementation);

  const fastPath = options.fastPath ? createFastPath({ ...options, jsonOptions, compression }) : undefined;
  const shutdown = createShutdownNotices(options.shutdownSignal);
  const mount = { ...options, signalOf: createCallSignals(options.shutdownSignal), shutdown };
  await fastify.register(async (scope) => {
    // Connect reads bodies itself, whatever their type; these parsers are seen by the routes of this scope only.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    // OPTIONS belongs to CORS.
    const method = scope.supportedMethods.filter((each) => each !== "OPTIONS");
    for (const handler of router.handlers) {
      const takesOne = handler.method.methodKind === "unary";
      const takePlace = options.services.find(({ service }) => service === handler.service)?.takePlace;
      scope.route({
        method,
        url: handler.requestPath,
        handler: (request, reply) => {
          const answered = fastPath?.answer(handler.method, request, reply);
          if (answered) return answered;
          if (takesOne && request.method === "POST" && isOfAllowedLength(request, mount)) {
            return answerWhole(handler, request, reply, mount);
          }
          const isLimited = !takesOne && takePlace && isGrpc(request) && request.raw.httpVersionMajor === 2;
          const leave = isLimited ? takePlace(request.ip) : undefined;
          if (isLimited && !leave) return refuseGrpc(reply, Code.ResourceExhausted, tooManyStreams);
          if (leave) reply.raw.once("close", leave);
          const body = streamBody(request.raw, mount.refusedBodies, shutdown);
          return answer(handler, request, reply, body, mount, leave);
        },
      });
    }
  });
}

/** Whether a request's body is not too long by its own account. One that is, Connect refuses unread. */
function isOfAllowedLength({ headers }: FastifyRequest, { maxMessageBytes }: Mount): boolean {
  return (
    headers["content-length"] === undefined || Number(headers["content-length"]) <= maxMessageBytes + envelopeBytes
  );
}

/** Answers a call of one message, once all of it is there. */
async function answerWhole(
  handler: Handler,
  request: FastifyRequest,
  reply: FastifyReply,
  mount: Mount,
): Promise<void> {
  let body: Uint8Array | undefined;
  try {
    body = await receiveBody(request.raw, mount.maxMessageBytes + envelopeBytes, mount.shutdown);
  } catch (error) {
    return await answer(handler, request, reply, failWith(error), mount);
  }
  // There is nobody to answer any more.
  if (body === undefined) return void reply.hijack();
  await answer(handler, request, reply, yieldOnce(body), mount);
}

/** Answers a call with Connect's own handler. `leave` is of a stream that has its place already. */
async function answer(
  handler: Handler,
  request: FastifyRequest,
  reply: FastifyReply,
  body: AsyncIterable<Uint8Array>,
  { maxMessageBytes, refusedBodies, logger, signalOf }: Mount,
  leave?: () => void,
): Promise<void> {
  const received = toUniversalRequest(request, reply, leave);
  const universalRequest = { ...received, signal: signalOf(received.signal), body };
  dropEndlessTimeout(universalRequest.header);
  dropAllowedLength(universalRequest.header, maxMessageBytes);
  const outcome = await handler(universalRequest);
  // Too large a body has not been read to its end, and one that says so itself not at all.
  if (handler.method.methodKind === "unary") refusedBodies.drop(request.raw);
  // An error that nobody is left to hear.
  if (received.signal.aborted && outcome.status !== 200) return void reply.hijack();
  const called = await mendError(outcome);
  // Connect refuses what is none of its protocols with a bare status.
  if (called.body === undefined) throw notConnect(handler, called.status);

  // Headers that hooks have set, as those of CORS, would be lost: this answer bypasses Fastify.
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
  try {
    await universalResponseToNodeResponse({ ...called, body: bounded(handler, called) }, reply.raw);
  } catch (error) {
    // Most often the client has hung up; if not, it must not take half an answer for a whole one.
    const { code } = ConnectError.from(error);
    const level = code === Code.Aborted || code === Code.Canceled ? "debug" : "warn";
    logger[level]({ err: error, method: handler.requestPath }, "an answer could not be written");
    reply.raw.destroy();
  }
}

/** The body, and at its end the trailer, with an error of bounded length. */
async function* bounded({ method }: Handler, { header, body, trailer }: Answered): AsyncGenerator<Uint8Array> {
  const isEnveloped = method.methodKind !== "unary" || header?.get("content-type")?.startsWith("application/grpc");
  yield* body && isEnveloped ? boundStreamEnd(body) : (body ?? []);
  // It is there once the body has been read.
  if (trailer) boundTrailer(trailer);
}

function toUniversalRequest(request: FastifyRequest, reply: FastifyReply, leave: (() => void) | undefined) {
  const { method, raw, url } = request;
  if (method === "GET") checkQuery(url);
  try {
    const contextValues = contextValuesOf(request.ip);
    setCut(contextValues, (delayMs) => cutAfter(delayMs, reply));
    if (leave) setPlace(contextValues, leave);
    return universalRequestFromNodeRequest(raw, reply.raw, undefined, contextValues);
  } catch {
    throw malformed("the request has no Host, or one that cannot be part of a URL");
  }
}

/** Destroys the response unless it closes in time. */
function cutAfter(delayMs: number, { raw }: FastifyReply): void {
  if (raw.closed) return;
  const timer = setTimeout(() => raw.destroy(), delayMs);
  raw.once("close", () => clearTimeout(timer));
}

/** Refuses the query of a Connect GET that would be read as something else than the client meant. */
function checkQuery(url: string): void {
  const query = url.slice(url.indexOf("?") + 1);
  try {
    decodeURIComponent(query);
  } catch {
    throw malformed("the query is not percent-encoded UTF-8");
  }
  const parameters = new URLSearchParams(query);
  const message = parameters.get("message") ?? "";
  if (parameters.get("base64") === "1" && !/^(?:[\w+/-]{4})*(?:[\w+/-]{2,3}={0,2})?$/.test(message)) {
    throw malformed("the query parameter message is not base64");
  }
}

/** Connect takes some broken compressed data for a fault of the server. */
function blamingTheClient(compression: Compression): Compression {
  return {
    ...compression,
    async decompress(bytes, maxBytes) {
      try {
        return await compression.decompress(bytes, maxBytes);
      } catch (error) {
        const { code, rawMessage } = ConnectError.from(error);
        throw new ConnectError(rawMessage, code === Code.Internal ? Code.InvalidArgument : code);
      }
    },
  };
}

function malformed(detail: string): ProblemError {
  return new ProblemError(problemOfStatus(400, detail));
}

function notConnect({ allowedMethods, requestPath }: Handler, status: number): ProblemError {
  if (status === 405) {
    const allow = allowedMethods.join(", ");
    return new ProblemError(problemOfStatus(405, `${requestPath} takes ${allow} only`), { allow });
  }
  if (status === 505) {
    const detail = "a call that streams both ways needs HTTP/2";
    return new ProblemError(problem(505, { code: "UNIMPLEMENTED", reason: "HTTP_VERSION_NOT_SUPPORTED", detail }));
  }
  return new ProblemError(
    problemOfStatus(415, "the Content-Type is none of Connect, gRPC or gRPC-Web for this method"),
  );
}

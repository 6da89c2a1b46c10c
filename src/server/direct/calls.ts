/**
 * Answers unary calls in the usual form of gRPC and Connect without Connect's pipeline, which is made for streams: two to
 * three times as fast, and a call that waits holds a fraction of the memory. Whatever is less usual (compressed, malformed,
 * too long, over another protocol) is left to Connect, with what has been read of it. Messages, errors and compression
 * are written by Connect's own functions, so that nobody can tell the difference.
 */
import type {
  DescMessage,
  DescMethod,
  JsonReadOptions,
  JsonWriteOptions,
  MessageShape,
  Registry,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createMethodSerializationLookup } from "@connectrpc/connect/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { DomainError } from "../../domain/errors.ts";
import { contextValuesOf } from "../../rpc/caller.ts";
import type { ServiceBinding } from "../../rpc/service.ts";
import { connectErrorFor } from "../../rpc/status.ts";
import { shortError } from "../error-limits.ts";
import { createCallers, type StartCall } from "../invoke.ts";
import { createJsonDecoder } from "../json/decode.ts";
import { readHeaders } from "../request-headers.ts";
import { createDirectConnect } from "./connect.ts";
import { directGrpc } from "./grpc.ts";
import { type DirectProtocol, type Format, negotiate } from "./protocol.ts";

export interface DirectCallOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  readonly maxMessageBytes: number;
  readonly jsonOptions: Partial<JsonReadOptions & JsonWriteOptions>;
  /** The messages that google.protobuf.Any may carry in JSON. */
  readonly registry?: Registry | undefined;
  /** Aborts the signals of all calls under way. */
  readonly shutdownSignal: AbortSignal;
  readonly logger: Logger;
}

/**
 * Answers a call whose body is there; undefined if it is Connect's to answer. The promise settles when the answer is on its
 * way.
 */
export type AnswerDirectly = (
  method: DescMethod,
  request: FastifyRequest,
  reply: FastifyReply,
  body: Uint8Array,
) => Promise<void> | undefined;

type Serialization = ReturnType<typeof createMethodSerializationLookup>;

interface Endpoint {
  readonly serialization: Serialization;
  readonly readJson: (bytes: Uint8Array) => MessageShape<DescMessage>;
  readonly startCall: StartCall;
}

interface PlainCall {
  readonly endpoint: Endpoint;
  readonly protocol: DirectProtocol;
  readonly format: Format;
  readonly message: MessageShape<DescMessage>;
}

/** Answers have no limit: they are the service's own. */
const writeMaxBytes = 0xffffffff;

/** Prepares all unary methods of the services. */
export function createDirectCalls(options: DirectCallOptions): AnswerDirectly {
  const { services, jsonOptions, maxMessageBytes: readMaxBytes, logger } = options;
  const callerOf = createCallers(options);
  const protocols: readonly DirectProtocol[] = [createDirectConnect(jsonOptions), directGrpc];
  const endpoints = new Map<DescMethod, Endpoint>();
  for (const binding of services) {
    for (const method of binding.service.methods) {
      if (method.methodKind !== "unary") continue;
      const limits = { readMaxBytes, writeMaxBytes };
      const serialization = createMethodSerializationLookup(method, undefined, jsonOptions, limits);
      const readJson = createJsonDecoder(method.input, { unknownKeys: "ignore", registry: options.registry });
      endpoints.set(method, { serialization, readJson, startCall: callerOf(binding, method.localName) });
    }
  }

  return (method, request, reply, body) => {
    const endpoint = endpoints.get(method);
    if (!endpoint) return undefined;
    for (const protocol of protocols) {
      const format = protocol.formatOf(request);
      if (!format) continue;
      const bytes = protocol.unwrap(body);
      if (!bytes || bytes.length > readMaxBytes) return undefined;
      try {
        const message = format.isBinary ? parse(endpoint.serialization, bytes) : endpoint.readJson(bytes);
        return message && answer({ endpoint, protocol, format, message }, request, reply, logger);
      } catch (error) {
        return refuse(error, protocol, request, reply, logger);
      }
    }
    return undefined;
  };
}

/** The message in binary; undefined if it is none, which is Connect's to say. */
function parse(serialization: Serialization, bytes: Uint8Array) {
  try {
    return serialization.getI(true).parse(bytes);
  } catch {
    return undefined;
  }
}

/** Answers a request whose message cannot be read. No interceptor sees it. */
async function refuse(
  error: unknown,
  protocol: DirectProtocol,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): Promise<void> {
  const compression = negotiate(request.headers[protocol.acceptHeader]);
  reply.hijack();
  try {
    const isForeseen = error instanceof DomainError;
    if (!isForeseen) logger.error({ err: error, method: request.url }, "a message could not be read");
    const refusal = isForeseen ? connectErrorFor(error, { repeatable: false }) : error;
    await protocol.fail({ reply, header: new Headers(), compression }, asConnectError(refusal));
  } catch (cause) {
    logger.error({ err: cause, method: request.url }, "an answer could not be written");
    reply.raw.destroy();
  }
}

async function answer(
  { endpoint, protocol, format, message }: PlainCall,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): Promise<void> {
  const call = endpoint.startCall(message, {
    protocolName: protocol.name,
    httpMethod: request.method,
    url: `http://${request.host}${request.url}`,
    header: readHeaders(request.headers),
    contextValues: contextValuesOf(request.ip),
  });
  // The response closes when it is complete, and before that only if the client has gone away.
  reply.raw.once("close", call.cancel);
  const compression = negotiate(request.headers[protocol.acceptHeader]);
  const exchange = { reply, header: call.responseHeader, compression };
  reply.hijack();
  try {
    let bytes: Uint8Array;
    try {
      bytes = endpoint.serialization.getO(format.isBinary).serialize(await call.answer);
    } catch (error) {
      return await protocol.fail(exchange, asConnectError(error));
    }
    await protocol.succeed(exchange, bytes, format);
  } catch (error) {
    logger.error({ err: error, method: request.url }, "an answer could not be written");
    reply.raw.destroy();
  }
}

/** What comes from handlers is a ConnectError by now, made and logged by an interceptor. */
function asConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return shortError(error);
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}

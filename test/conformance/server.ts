/**
 * The server that the Connect conformance suite tests. The runner starts one for each kind of server, writes on standard
 * input what to serve, and reads on standard output where. `--fast-path=off` leaves every call to Connect's pipeline.
 *
 * The listener, the HTTP application and the interceptors are the service's. Not in use are the interceptors for access
 * and limits (privacy, overload, identity, fair share, authorization): they act on the access rule of each method, which
 * the suite's methods do not have, and a rate limit would reject the suite's calls.
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { create, createRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ConnectError, type Interceptor, type ServiceImpl } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ignoreEvents, type Publish } from "../../src/domain/publish.ts";
import type { RpcEvents } from "../../src/rpc/events.ts";
import { fillRequestId } from "../../src/rpc/interceptors/idempotency-key.ts";
import { createServerStreamInterceptor } from "../../src/rpc/interceptors/server-streams.ts";
import { createUnaryCallInterceptor } from "../../src/rpc/interceptors/unary-calls.ts";
import { createValidationInterceptor } from "../../src/rpc/interceptors/validation.ts";
import { errorDomain } from "../../src/rpc/status.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createHttpApp } from "../../src/transport/http.ts";
import { listen } from "../../src/transport/listener/listen.ts";
import { createReadiness } from "../../src/transport/readiness.ts";
import { listenOptions } from "../support/service/served-app.ts";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { conformanceImplementation } from "./service.ts";

/** More than the largest message of the suite's servers without a limit. */
const defaultMaxMessageBytes = 1024 * 1024;
/** More than the suite's responses have together. */
const maxUnsentBytes = 64 * 1024 * 1024;
/** Longer than the suite's clients wait. */
const requestTimeoutMs = 30_000;

/**
 * The suite compares the details of errors, and a call whose deadline passes must have none. Our response has ErrorInfo and
 * RetryInfo, and may or may not reach the client before its own timer. Only the details of our own errors are removed.
 */
const dropOwnDetails: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: dropFrom(response.message) } : response;
  } catch (error) {
    throw withoutOwnDetails(error);
  }
};

async function* dropFrom<Message>(messages: AsyncIterable<Message>): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (error) {
    throw withoutOwnDetails(error);
  }
}

function withoutOwnDetails(error: unknown): unknown {
  if (error instanceof ConnectError && isOwn(error)) error.details = [];
  return error;
}

/** An interceptor for calls with one request message: the service has no methods that stream requests. */
function ofOneRequest(interceptor: Interceptor): Interceptor {
  const kinds: readonly string[] = ["unary", "server_streaming"];
  return (next) => {
    const intercepted = interceptor(next);
    return (request) => (kinds.includes(request.method.methodKind) ? intercepted : next)(request);
  };
}

function isOwn(error: ConnectError): boolean {
  return error.findDetails(ErrorInfoSchema).some(({ domain }) => domain === errorDomain);
}

const { values } = parseArgs({ options: { "fast-path": { type: "string", default: "on" } } });
const { messageReceiveLimit } = fromBinary(ServerCompatRequestSchema, await readDelimited());
const logger = createLogger({ level: "silent" });
const publish: Publish<RpcEvents> = (name, event) => {
  if (name === "rpc.unexpected_error") process.stderr.write(`${event.method}: ${event.error}\n`);
};
const readiness = createReadiness({ probe: () => Promise.resolve({ isGood: true }), publish: ignoreEvents });
const http = await createHttpApp({
  services: [
    // A method that is missing is the suite's case of UNIMPLEMENTED.
    {
      service: ConformanceService,
      implementation: conformanceImplementation as ServiceImpl<typeof ConformanceService>,
    },
  ],
  interceptors: [
    dropOwnDetails,
    ofOneRequest(createServerStreamInterceptor(publish, readiness.draining, maxUnsentBytes)),
    fillRequestId,
    createUnaryCallInterceptor(publish, requestTimeoutMs),
    ofOneRequest(createValidationInterceptor([ConformanceService])),
  ],
  readiness,
  corsOrigins: "*",
  maxBodyBytes: messageReceiveLimit === 0 ? defaultMaxMessageBytes : messageReceiveLimit,
  trustedProxies: [],
  publish: ignoreEvents,
  logger,
  shutdownSignal: new AbortController().signal,
  fastPath: values["fast-path"] === "on",
  // Errors and responses of the suite carry its messages in google.protobuf.Any.
  registry: createRegistry(file_connectrpc_conformance_v1_service),
});
const { host, ...options } = listenOptions();
const listener = await listen({ ...options, host, handler: http.routing });
process.once("SIGTERM", async () => {
  listener.destroy();
  await listener.close();
  readiness.close();
  await http.close();
});
writeDelimited(toBinary(ServerCompatResponseSchema, create(ServerCompatResponseSchema, { host, port: listener.port })));

/** Reads one message, behind four bytes with its length. */
async function readDelimited(): Promise<Uint8Array> {
  let received = Buffer.alloc(0);
  while (received.length < 4 || received.length < 4 + received.readUInt32BE()) {
    const [piece] = (await once(process.stdin, "data")) as [Buffer];
    received = Buffer.concat([received, piece]);
  }
  process.stdin.destroy();
  return received.subarray(4);
}

function writeDelimited(message: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  process.stdout.write(Buffer.concat([length, message]));
}

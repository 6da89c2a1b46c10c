/** Calls whose responses are streams, through real clients of each protocol, with the end of each in one shape. */
import { create, type DescMessage, type DescMethodServerStreaming, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { type Refusal, refusalOfConnect, refusalOfGrpc } from "../protocols/protocols.ts";

export const ways = [
  "gRPC by grpc-js",
  "gRPC by connect-node",
  "gRPC-Web over HTTP/1.1",
  "gRPC-Web over h2c",
  "Connect JSON over HTTP/1.1",
  "Connect JSON over h2c",
  "Connect binary over h2c",
] as const;
export type Way = (typeof ways)[number];

/** What the log calls the protocol. */
export const protocolOf = (way: Way) =>
  way.startsWith("gRPC by") ? "grpc" : way.startsWith("gRPC") ? "grpc-web" : "connect";

/** A message's text, or the end of a stream. */
export type Received = { readonly text: string } | { readonly end: "OK" | Refusal };

interface StreamCall {
  next(): Promise<Received>;
  cancel(): void;
}

export interface StreamCallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Opens a stream. */
export function openCall(
  way: Way,
  baseUrl: string,
  method: DescMethodServerStreaming,
  request: Record<string, unknown> = {},
  options: StreamCallOptions = {},
): StreamCall {
  const canceller = new AbortController();
  const message = create(method.input, request);
  const messages =
    way === "gRPC by grpc-js"
      ? grpcMessages(baseUrl, method, message, options, canceller.signal)
      : connectMessages(transportOf(way, baseUrl), method, message, options, canceller.signal);
  // Begins the call.
  let first: Promise<Received> | undefined = receive(messages);
  return {
    next() {
      const next = first ?? receive(messages);
      first = undefined;
      return next;
    },
    cancel: () => canceller.abort(),
  };
}

async function receive(messages: AsyncIterator<object>): Promise<Received> {
  try {
    const { done, value } = await messages.next();
    return done ? { end: "OK" } : { text: (value as { text: string }).text };
  } catch (error) {
    const end = error instanceof ConnectError ? refusalOfConnect(error) : refusalOfGrpc(error as grpc.ServiceError);
    return { end };
  }
}

function transportOf(way: Exclude<Way, "gRPC by grpc-js">, baseUrl: string): Transport {
  switch (way) {
    case "gRPC by connect-node":
      return createGrpcTransport({ baseUrl });
    case "gRPC-Web over HTTP/1.1":
      return createGrpcWebTransport({ baseUrl, httpVersion: "1.1" });
    case "gRPC-Web over h2c":
      return createGrpcWebTransport({ baseUrl, httpVersion: "2" });
    case "Connect JSON over HTTP/1.1":
      return createConnectTransport({ baseUrl, httpVersion: "1.1" });
    case "Connect JSON over h2c":
      return createConnectTransport({ baseUrl, httpVersion: "2" });
    case "Connect binary over h2c":
      return createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true });
  }
}

async function* connectMessages(
  transport: Transport,
  method: DescMethodServerStreaming,
  message: ReturnType<typeof create<DescMessage>>,
  { headers, timeoutMs }: StreamCallOptions,
  signal: AbortSignal,
): AsyncGenerator<object> {
  async function* requests() {
    yield message;
  }
  const response = await transport.stream(method, signal, timeoutMs, headers, requests());
  yield* response.message;
}

async function* grpcMessages(
  baseUrl: string,
  method: DescMethodServerStreaming,
  message: ReturnType<typeof create<DescMessage>>,
  { headers = {}, timeoutMs }: StreamCallOptions,
  signal: AbortSignal,
): AsyncGenerator<object> {
  const client = new grpc.Client(new URL(baseUrl).host, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const call = client.makeServerStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (request: typeof message) => Buffer.from(toBinary(method.input, request)),
    (bytes: Buffer): object => fromBinary(method.output, bytes),
    message,
    metadata,
    timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
  );
  signal.addEventListener("abort", () => call.cancel());
  try {
    yield* call as AsyncIterable<object>;
  } finally {
    client.close();
  }
}

/** The service of the Connect conformance suite: each request defines its response. */
import { setTimeout as delay } from "node:timers/promises";
import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  type ConformancePayloadSchema,
  type ConformanceService,
  type Error as DefinedError,
  type Header,
  HeaderSchema,
  IdempotentUnaryRequestSchema,
  ConformancePayload_RequestInfoSchema as RequestInfoSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";

type Payload = MessageInitShape<typeof ConformancePayloadSchema>;

/** Without the method `unimplemented`, whose response the suite expects to be UNIMPLEMENTED. */
export const conformanceImplementation: Omit<ServiceImpl<typeof ConformanceService>, "unimplemented"> = {
  unary: (request, context) => answerOnce(request.responseDefinition, context, [pack(UnaryRequestSchema, request)]),

  idempotentUnary: (request, context) =>
    answerOnce(request.responseDefinition, context, [pack(IdempotentUnaryRequestSchema, request)]),

  async clientStream(requests, context) {
    const received = [];
    for await (const request of requests) received.push(request);
    const packed = received.map((request) => pack(ClientStreamRequestSchema, request));
    return await answerOnce(received[0]?.responseDefinition, context, packed);
  },

  async *serverStream(request, context) {
    applyMetadata(request.responseDefinition, context);
    yield* answerAll(request.responseDefinition, context, [pack(ServerStreamRequestSchema, request)]);
  },

  async *bidiStream(requests, context) {
    let definition: StreamResponseDefinition | undefined;
    let unanswered: Any[] = [];
    let isFullDuplex = false;
    let answered = 0;
    for await (const request of requests) {
      if (definition === undefined) {
        definition = request.responseDefinition;
        isFullDuplex = request.fullDuplex;
        applyMetadata(definition, context);
      }
      unanswered.push(pack(BidiStreamRequestSchema, request));
      if (!isFullDuplex) continue;
      const data = definition?.responseData[answered];
      if (definition === undefined || data === undefined) break;
      await delay(definition.responseDelayMs);
      yield { payload: { data, requestInfo: requestInfo(context, unanswered, answered === 0) } };
      unanswered = [];
      answered++;
    }
    yield* answerAll(definition, context, unanswered, answered, isFullDuplex);
  },
};

/** Returns the definition's data, or throws its error, after its delay. */
async function answerOnce(
  definition: UnaryResponseDefinition | undefined,
  context: HandlerContext,
  requests: readonly Any[],
): Promise<{ payload: Payload }> {
  applyMetadata(definition, context);
  const info = requestInfo(context, requests);
  await delay(definition?.responseDelayMs ?? 0);
  if (definition?.response.case === "error") throw connectError(definition.response.value, info);
  const data = definition?.response.case === "responseData" ? definition.response.value : new Uint8Array();
  return { payload: { data, requestInfo: info } };
}

/** Yields the definition's data from the `answered`th on, then throws its error. The first response echoes the requests. */
async function* answerAll(
  definition: StreamResponseDefinition | undefined,
  context: HandlerContext,
  requests: readonly Any[],
  answered = 0,
  isFullDuplex = false,
): AsyncGenerator<{ payload: Payload }> {
  if (definition === undefined) return;
  let sent = answered;
  for (const data of isFullDuplex ? [] : definition.responseData.slice(answered)) {
    await delay(definition.responseDelayMs);
    yield { payload: sent === 0 ? { data, requestInfo: requestInfo(context, requests) } : { data } };
    sent++;
  }
  if (definition.error) {
    throw connectError(definition.error, sent === 0 ? requestInfo(context, requests) : undefined);
  }
}

function applyMetadata(
  definition: UnaryResponseDefinition | StreamResponseDefinition | undefined,
  { responseHeader, responseTrailer }: HandlerContext,
): void {
  const append = (to: Headers, headers: readonly Header[]) => {
    for (const { name, value } of headers) for (const each of value) to.append(name, each);
  };
  append(responseHeader, definition?.responseHeaders ?? []);
  append(responseTrailer, definition?.responseTrailers ?? []);
}

function requestInfo(context: HandlerContext, requests: readonly Any[], withCall = true) {
  const timeoutMs = context.timeoutMs();
  const call = withCall && {
    requestHeaders: headersOf(context.requestHeader),
    ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.trunc(timeoutMs)) }),
    ...(context.requestMethod === "GET" && {
      connectGetInfo: { queryParams: headersOf(new URL(context.url).searchParams) },
    }),
  };
  return create(RequestInfoSchema, { requests: [...requests], ...call });
}

function headersOf(entries: Headers | URLSearchParams): Header[] {
  return [...entries].map(([name, value]) => create(HeaderSchema, { name, value: [value] }));
}

function connectError(
  { message, code, details }: DefinedError,
  info: MessageShape<typeof RequestInfoSchema> | undefined,
) {
  const error = new ConnectError(message ?? "", Number(code));
  error.details = [...details, ...(info ? [anyPack(RequestInfoSchema, info)] : [])].map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  return error;
}

function pack<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Any {
  return create(AnySchema, anyPack(schema, message));
}

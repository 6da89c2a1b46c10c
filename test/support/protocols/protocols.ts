/** Calls any method by any protocol through a real client, with answers in one shape. */
import {
  create,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  fromJson,
  hasOption,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { anyUnpack, type Duration, durationMs, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport as createNodeConnectTransport } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import * as grpc from "@grpc/grpc-js";
import { tool } from "../../../gen/frontrow/v1/tool_pb.ts";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { restCall } from "../service/rest.ts";
import { callTool } from "./mcp.ts";

export const protocols = ["gRPC", "gRPC-Web", "Connect JSON", "Connect binary", "Connect GET", "REST", "MCP"] as const;
export type Protocol = (typeof protocols)[number];

/** A field of a request and what is wrong with it. */
export interface Violation {
  readonly field: string;
  readonly message: string;
}

/** An error as the caller sees it by any protocol. */
export interface Refusal {
  readonly ok: false;
  /** Such as `NOT_FOUND`. */
  readonly code: string;
  readonly reason: string | undefined;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryDelayMs: number | undefined;
}

export interface Success<Message> {
  readonly ok: true;
  readonly message: Message;
  /** The value of the header Idempotency-Replayed. */
  readonly replayed: string | undefined;
}

export type Outcome<Message> = Success<Message> | Refusal;

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls a method of a service by one protocol. `close` ends the client's connections. */
export interface ProtocolClient {
  readonly protocol: Protocol;
  call<Method extends DescMethodUnary>(
    method: Method,
    request: MessageInitShape<Method["input"]>,
    options?: CallOptions,
  ): Promise<Outcome<MessageShape<Method["output"]>>>;
  close(): void;
}

/**
 * A client of the service at a URL such as `http://127.0.0.1:8080`. A test that wants to see what goes over the wire gives
 * its own `fetch`; gRPC and Connect binary, whose clients are Node's, do not use it.
 */
export function createProtocolClient(
  protocol: Protocol,
  baseUrl: string,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): ProtocolClient {
  switch (protocol) {
    case "gRPC":
      return grpcClient(baseUrl);
    case "gRPC-Web":
      return connectClient(protocol, createGrpcWebTransport({ baseUrl, fetch }));
    case "Connect JSON":
      return connectClient(protocol, createConnectTransport({ baseUrl, fetch }));
    case "Connect binary":
      return connectClient(
        protocol,
        createNodeConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
      );
    case "Connect GET":
      return connectClient(protocol, createConnectTransport({ baseUrl, fetch, useHttpGet: true }));
    case "REST":
      return {
        protocol,
        call: (method, request, options) => restClientCall(baseUrl, method, request, { ...options, fetch }),
        close() {},
      };
    case "MCP":
      return {
        protocol,
        call: (method, request, options) => callTool(baseUrl, method, request, { ...options, fetch }),
        close() {},
      };
  }
}

/** Whether a protocol can call a method. Connect GET is for reads, and MCP for tools. */
export function supports(protocol: Protocol, method: DescMethodUnary): boolean {
  if (protocol === "MCP") return hasOption(method, tool);
  return protocol !== "Connect GET" || method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

function connectClient(protocol: Protocol, transport: Transport): ProtocolClient {
  return {
    protocol,
    async call(method, request, { timeoutMs, headers } = {}) {
      type Output = MessageShape<(typeof method)["output"]>;
      const service: DescService = method.parent;
      const client = createClient(service, transport) as Record<
        string,
        (request: unknown, options: object) => Promise<Output>
      >;
      const unary = client[method.localName];
      if (!unary) throw new Error(`${service.typeName} has no ${method.localName}`);
      let replayed: string | undefined;
      const onHeader = (header: Headers) => {
        replayed = header.get("idempotency-replayed") ?? undefined;
      };
      try {
        const message = await unary(request, { timeoutMs, headers, onHeader });
        return { ok: true, message, replayed };
      } catch (error) {
        return refusalOfConnect(ConnectError.from(error));
      }
    },
    close() {},
  };
}

/** The error of a Connect client. */
export function refusalOfConnect(error: ConnectError): Refusal {
  const [info] = error.findDetails(ErrorInfoSchema);
  const [badRequest] = error.findDetails(BadRequestSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  return {
    ok: false,
    code: codeName(error.code),
    reason: info?.reason,
    message: error.rawMessage,
    metadata: info?.metadata ?? {},
    violations: violationsOf(badRequest?.fieldViolations),
    retryDelayMs: milliseconds(retry?.retryDelay),
  };
}

function grpcClient(baseUrl: string): ProtocolClient {
  const client = new grpc.Client(new URL(baseUrl).host, grpc.credentials.createInsecure());
  return {
    protocol: "gRPC",
    call: <Method extends DescMethodUnary>(
      method: Method,
      request: MessageInitShape<Method["input"]>,
      { timeoutMs, headers = {} }: CallOptions = {},
    ) =>
      new Promise<Outcome<MessageShape<Method["output"]>>>((resolve) => {
        const metadata = new grpc.Metadata();
        for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
        let replayed: string | undefined;
        const call = client.makeUnaryRequest(
          `/${method.parent.typeName}/${method.name}`,
          (message: MessageShape<typeof method.input>) => Buffer.from(toBinary(method.input, message)),
          (bytes: Buffer) => fromBinary(method.output, bytes) as MessageShape<Method["output"]>,
          create(method.input, request),
          metadata,
          timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
          (error, message) => {
            if (error) resolve(refusalOfGrpc(error));
            else if (message) resolve({ ok: true, message, replayed });
          },
        );
        call.on("metadata", (header) => {
          replayed = header.get("idempotency-replayed")[0]?.toString();
        });
      }),
    close: () => client.close(),
  };
}

/** The error of a client of gRPC's own library. */
export function refusalOfGrpc(error: grpc.ServiceError): Refusal {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const status = bytes instanceof Uint8Array ? fromBinary(StatusSchema, bytes) : undefined;
  const unpack = <Schema extends Parameters<typeof anyUnpack>[1]>(schema: Schema) =>
    status?.details.map((any) => anyUnpack(any, schema)).find((message) => message !== undefined) as
      | MessageShape<Schema>
      | undefined;
  const info = unpack(ErrorInfoSchema);
  return {
    ok: false,
    code: codeName(error.code as number as Code),
    reason: info?.reason,
    message: error.details,
    metadata: info?.metadata ?? {},
    violations: violationsOf(unpack(BadRequestSchema)?.fieldViolations),
    retryDelayMs: milliseconds(unpack(RetryInfoSchema)?.retryDelay),
  };
}

async function restClientCall<Method extends DescMethodUnary>(
  baseUrl: string,
  method: Method,
  request: MessageInitShape<Method["input"]>,
  options: CallOptions & { fetch: typeof globalThis.fetch },
): Promise<Outcome<MessageShape<Method["output"]>>> {
  const json = toJson(method.input, create(method.input, request), { useProtoFieldName: true }) as Record<
    string,
    unknown
  >;
  const { status, headers, body } = await restCall(baseUrl, `${method.parent.name}.${method.name}`, json, options);
  if (status < 400) {
    const replayed = headers.get("idempotency-replayed") ?? undefined;
    return { ok: true, message: fromJson(method.output, body as never) as MessageShape<Method["output"]>, replayed };
  }
  const problem = body as {
    code: string;
    reason: string;
    detail: string;
    metadata: Record<string, string>;
    violations?: Refusal["violations"];
  };
  const retryAfter = headers.get("retry-after");
  return {
    ok: false,
    code: problem.code,
    reason: problem.reason,
    message: problem.detail,
    metadata: problem.metadata,
    violations: problem.violations ?? [],
    retryDelayMs: retryAfter === null ? undefined : Number(retryAfter) * 1_000,
  };
}

/** `NOT_FOUND` for Code.NotFound. */
export function codeName(code: Code): string {
  return Code[code].replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function violationsOf(violations: readonly { field: string; description: string }[] = []) {
  return violations.map(({ field, description }) => ({ field, message: description }));
}

function milliseconds(duration: Duration | undefined): number | undefined {
  return duration && durationMs(duration);
}

/** What the fast path's protocols have in common. */
import type { OutgoingHttpHeaders } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import type { FastifyReply } from "fastify";
import type { StartCall } from "../../unary.ts";
import type { Compression } from "../internals.ts";
import { joinVary } from "../responses.ts";
import type { AnyMessage, Codec } from "./codec.ts";

/** How a request is written, as its headers and URL say. */
export interface Form {
  readonly protocol: Protocol;
  readonly isJson: boolean;
  /** The Content-Type of the response. */
  readonly contentType: string;
  /** The query of a Connect GET. Its message is there, and the body is ignored. */
  readonly query?: URLSearchParams;
}

/** A unary method that the fast path answers. */
export interface FastMethod {
  /** As a request's path has it. */
  readonly path: string;
  readonly isRead: boolean;
  readonly codec: Codec;
  readonly startCall: StartCall;
}

/** A request that the fast path answers. */
export interface OwnedRequest {
  readonly method: FastMethod;
  readonly form: Form;
  readonly reply: FastifyReply;
}

/** A call from the time when its request is whole. */
export interface Exchange extends OwnedRequest {
  /** The response's headers: the protocol's, and those that handlers and interceptors set. */
  readonly header: Headers;
  readonly trailer: Headers;
  readonly encodings: Encodings;
}

/** What messages are compressed with; null if they are not. */
export interface Encodings {
  readonly request: Compression | null;
  /** Of a long message, in an encoding that the client takes. */
  readonly response: Compression | null;
  /** Why the request cannot be read. */
  readonly error?: ConnectError | undefined;
}

export interface Protocol {
  /** As handlers and interceptors receive it. */
  readonly name: "connect" | "grpc" | "grpc-web";
  readonly encodingHeader: string;
  readonly acceptHeader: string;
  readonly timeoutHeader: string;
  parseTimeout(value: string | null): { readonly timeoutMs?: number; readonly error?: ConnectError | undefined };
  /** The longest body, which holds the largest message. */
  readonly maxBodyBytes: number;
  /** The size of the message in a body of this size. */
  messageBytes(bodyBytes: number): number;
  /** Sets the headers that a response begins with, besides its content type. */
  open(exchange: Exchange): void;
  /** The one message of a whole body. Throws a ConnectError if there is none, or more than one, or it is malformed. */
  read(exchange: Exchange, body: Uint8Array): Promise<AnyMessage>;
  /** Sends the response with these bytes of the message. */
  succeed(exchange: Exchange, bytes: Uint8Array, message: AnyMessage): Promise<void>;
  /** Sends the error, whose message is of bounded length. */
  fail(exchange: Exchange, error: ConnectError): Promise<void>;
}

/** As Connect has it: what is shorter is not worth the time. */
const compressMinBytes = 1024;

/** The response's bytes compressed, if that is worth it and the client takes it. */
export function compress({ encodings }: Exchange, bytes: Uint8Array): Promise<Uint8Array> | undefined {
  return bytes.length < compressMinBytes ? undefined : encodings.response?.compress(bytes);
}

/** Headers in the form that Node writes, added to others. */
export function nodeHeaders(headers: Headers, others?: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const result = { ...others };
  for (const [name, value] of headers) result[name] = value;
  // The only one whose values cannot be joined.
  if (result["set-cookie"] !== undefined && headers.has("set-cookie")) result["set-cookie"] = headers.getSetCookie();
  return result;
}

/** All headers of a response: also those of hooks, as for CORS, because the fast path bypasses Fastify. */
export function responseHeaders({ reply, header }: Exchange): OutgoingHttpHeaders {
  joinVary(header, reply);
  return nodeHeaders(header, reply.getHeaders() as OutgoingHttpHeaders);
}

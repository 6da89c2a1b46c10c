import type { ConnectError } from "@connectrpc/connect";
import { compressionNegotiate } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Where an answer goes, and what the call has to say in its headers. */
export interface Exchange {
  readonly reply: FastifyReply;
  readonly header: Headers;
  /** What the client takes long messages in; undefined if in nothing that we can write. */
  readonly compression: Compression | undefined;
}

type Compression = typeof compressionGzip;

/** A protocol whose unary calls, in their usual form, are answered without Connect's pipeline. */
export interface DirectProtocol {
  readonly name: string;
  /** The header by which clients say what they can decompress. */
  readonly acceptHeader: string;
  /**
   * Whether a request's headers are of the usual form, and in which of the two formats its messages are; undefined for
   * another protocol, and for what only Connect is to understand or to refuse.
   */
  formatOf(request: FastifyRequest): Format | undefined;
  /** The message in a whole body; undefined if that is not of the usual form. */
  unwrap(body: Uint8Array): Uint8Array | undefined;
  /** Sends a message in the format of the request. */
  succeed(exchange: Exchange, message: Uint8Array, format: Format): Promise<void>;
  fail(exchange: Exchange, error: ConnectError): Promise<void>;
}

export interface Format {
  readonly isBinary: boolean;
}

/** Whether a request's Host is one that can be part of a URL. */
export function hasPlainHost({ host }: FastifyRequest): boolean {
  return /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host);
}

/** All headers of an answer in the form that Node writes: also those of hooks, as for CORS, since it bypasses Fastify. */
export function answerHeaders({ reply, header }: Exchange): Record<string, number | string | string[] | undefined> {
  return { ...reply.getHeaders(), ...Object.fromEntries(header) };
}

/** What to compress with for a client who accepts these encodings. */
export function negotiate(accepted: string | string[] | undefined): Compression | undefined {
  if (accepted === undefined) return undefined;
  return compressionNegotiate([compressionGzip], null, String(accepted), "").response ?? undefined;
}

/** As Connect has it: what is shorter is not worth the time. */
const compressMinBytes = 1024;

/** The bytes compressed, if that is worth it and the client takes it. */
export async function compressed(bytes: Uint8Array, { compression }: Exchange): Promise<Uint8Array | undefined> {
  return bytes.length < compressMinBytes ? undefined : await compression?.compress(bytes);
}

/**
 * Bounds errors on their way to the client. Connect's own errors repeat what the client sent at any length, and gRPC sends
 * errors in headers, for which HTTP/2 has a limit.
 */
import { gunzipSync } from "node:zlib";
import { ConnectError } from "@connectrpc/connect";
import { shortMessage } from "../../domain/short-text.ts";
import { joinEnvelopes, prefixBytes, trailerEnvelope } from "./envelopes.ts";
import { compressedFlag, endStreamFlag, trailerFlag, trailerParse } from "./internals.ts";

/** Of an error's details in base64. Ours are shorter. */
const maxDetailsLength = 4_096;
/** An error of so few bytes has no part that is too long. Trailers are looked at all the same, for their encoding. */
const unboundedBytes = 1_024;

/** The error with a message of bounded length. */
export function shortError(error: ConnectError): ConnectError {
  const message = shortMessage(error.rawMessage);
  if (message === error.rawMessage) return error;
  const short = new ConnectError(message, error.code, error.metadata, undefined, error.cause);
  short.details = error.details;
  short.isWireError = error.isWireError;
  return short;
}

/**
 * Bounds the message and the details in the trailers of gRPC. The message is encoded as gRPC asks for it: Connect
 * percent-encodes more characters, and gRPC's client for Node leaves some of these encoded.
 */
export function boundTrailer(trailer: Headers): void {
  const message = decoded(trailer.get("grpc-message"));
  if (message) trailer.set("grpc-message", encodeURI(shortMessage(message)));
  if ((trailer.get("grpc-status-details-bin")?.length ?? 0) > maxDetailsLength)
    trailer.delete("grpc-status-details-bin");
}

/** The message; undefined if it is not percent-encoded: a handler can set the trailer itself. */
function decoded(message: string | null): string | undefined {
  try {
    return message === null ? undefined : decodeURIComponent(message);
  } catch {
    return undefined;
  }
}

/** An error as Connect writes it in JSON. */
export interface JsonError {
  readonly code: string;
  readonly message?: string;
  /** `value` is in base64. */
  readonly details?: readonly { readonly value?: string }[];
}

/** The error with a short message, and without details that are too long. */
export function boundJsonError({ message, details, ...error }: JsonError): JsonError {
  const detailsLength = details?.reduce((sum, { value = "" }) => sum + value.length, 0) ?? 0;
  return {
    ...error,
    ...(message !== undefined && { message: shortMessage(message) }),
    ...(details && detailsLength <= maxDetailsLength && { details }),
  };
}

/** Bounds the error at the end of a stream of gRPC-Web or Connect, where it is the last envelope. Others pass. */
export async function* boundStreamEnd(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const envelope of body) yield isBounded(envelope) ? envelope : boundEnvelope(envelope);
}

function isBounded({ 0: flags = 0, length }: Uint8Array): boolean {
  return length <= unboundedBytes && (flags & (compressedFlag | trailerFlag)) === 0;
}

function boundEnvelope(envelope: Uint8Array): Uint8Array {
  const [flags = 0] = envelope;
  if ((flags & (trailerFlag | endStreamFlag)) === 0) return envelope;
  const sent = envelope.subarray(prefixBytes);
  const data = (flags & compressedFlag) === 0 ? sent : gunzipSync(sent);
  if ((flags & trailerFlag) !== 0) {
    const trailer = trailerParse(data);
    boundTrailer(trailer);
    return joinEnvelopes(trailerEnvelope(trailer));
  }
  const { error, ...end } = JSON.parse(Buffer.from(data).toString());
  const bounded = { ...end, ...(error && { error: boundJsonError(error) }) };
  return joinEnvelopes({ flags: endStreamFlag, data: Buffer.from(JSON.stringify(bounded)) });
}

/** The framing of gRPC, gRPC-Web and Connect's streams: each message follows a byte of flags and four of its length. */
import { Code, ConnectError } from "@connectrpc/connect";
import { trailerFlag, trailerSerialize } from "./internals.ts";

/** The flags and the length before a message. */
export const prefixBytes = 5;

/** The envelopes of a unary call that are read: a message, trailers, and one that shows that there are too many. */
const maxEnvelopes = 3;

export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

/** The envelope of gRPC-Web's trailers, the last of a body. */
export function trailerEnvelope(trailer: Headers): Envelope {
  return { flags: trailerFlag, data: trailerSerialize(trailer) };
}

/** The envelopes one after another. */
export function joinEnvelopes(...envelopes: readonly Envelope[]): Buffer {
  const length = envelopes.reduce((sum, { data }) => sum + prefixBytes + data.length, 0);
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { flags, data } of envelopes) {
    bytes.writeUInt8(flags, at);
    bytes.writeUInt32BE(data.length, at + 1);
    bytes.set(data, at + prefixBytes);
    at += prefixBytes + data.length;
  }
  return bytes;
}

/**
 * The first envelopes of a body, and whether it ends in the middle of one. Throws a ConnectError for one over the limit. What
 * is behind `maxEnvelopes` is not looked at: an empty envelope takes five bytes, and many times that as an object.
 */
export function splitEnvelopes(body: Uint8Array, maxBytes: number): { envelopes: Envelope[]; isCutOff: boolean } {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const envelopes: Envelope[] = [];
  let at = 0;
  while (body.length - at >= prefixBytes && envelopes.length < maxEnvelopes) {
    const flags = view.getUint8(at);
    const length = view.getUint32(at + 1);
    if (length > maxBytes) throw tooLarge(maxBytes, length);
    at += prefixBytes;
    if (body.length - at < length) break;
    envelopes.push({ flags, data: body.subarray(at, at + length) });
    at += length;
  }
  // As Connect has it, which counts what is behind the last prefix: a prefix that nothing follows is no envelope cut off.
  return { envelopes, isCutOff: at < body.length };
}

/** The error of a message over the limit, in Connect's words. Its size may not be known. */
export function tooLarge(maxMessageBytes: number, bytes?: number): ConnectError {
  const size = bytes === undefined ? "message size" : `message size ${bytes}`;
  return new ConnectError(`${size} is larger than configured readMaxBytes ${maxMessageBytes}`, Code.ResourceExhausted);
}

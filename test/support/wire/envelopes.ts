/** The envelopes of gRPC and gRPC-Web: a byte of flags, the length in four bytes, the data. */
import { gunzipSync } from "node:zlib";

const prefixBytes = 5;
export const compressedFlag = 1;
export const trailerFlag = 128;

export interface Envelope {
  readonly flags: number;
  /** Decompressed. */
  readonly data: Buffer;
}

/** Writes an envelope, which may give a wrong length. */
export function envelope(message: Uint8Array, flags = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt8(flags, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

/** Reads a body of envelopes. Throws if it ends in the middle of one. */
export function readEnvelopes(bytes: Buffer): Envelope[] {
  const envelopes: Envelope[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + prefixBytes > bytes.length) throw new Error("the response ends in the middle of a prefix");
    const flags = bytes.readUInt8(at);
    const end = at + prefixBytes + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) throw new Error("the response ends in the middle of an envelope");
    const sent = bytes.subarray(at + prefixBytes, end);
    envelopes.push({ flags, data: (flags & compressedFlag) === 0 ? sent : gunzipSync(sent) });
    at = end;
  }
  return envelopes;
}

/** Decodes a body of gRPC-Web's text mode: base64, in pieces that are padded each. */
export function decodeText(bytes: Buffer): Buffer {
  const pieces = bytes.toString("latin1").match(/[^=]+=*/g) ?? [];
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64")));
}

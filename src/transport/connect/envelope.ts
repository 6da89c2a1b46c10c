/** The framing of gRPC, gRPC-Web and Connect's streams: each message stands behind a byte of flags and four of its length. */

/** The flags and the length before a message. */
export const prefixBytes = 5;

export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
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

/** The framing of gRPC and gRPC-Web: each message stands behind a byte of flags and four bytes of its length. */
import { Code, ConnectError } from "@connectrpc/connect";
import { compressedFlag, envelopeDecompress } from "../internals.ts";
import type { AnyMessage } from "./codec.ts";
import { type Exchange, type ProtocolOptions, tooLarge } from "./protocol.ts";

/** The flags and the length before a message. */
export const prefixBytes = 5;

export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

/** The envelopes of a body, and whether it ends in the middle of one. Throws a ConnectError for one over the limit. */
export function splitEnvelopes(body: Uint8Array, maxBytes: number): { envelopes: Envelope[]; isCutOff: boolean } {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const envelopes: Envelope[] = [];
  let at = 0;
  while (body.length - at >= prefixBytes) {
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

/** The envelopes one after another. */
export function joinEnvelopes(envelopes: readonly Envelope[]): Buffer {
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

/** The one message of a body. Envelopes with `skippedFlag` hold none. */
export async function readEnvelopes(
  exchange: Exchange,
  body: Uint8Array,
  { codec, maxMessageBytes }: ProtocolOptions,
  skippedFlag = 0,
): Promise<AnyMessage> {
  const { envelopes, isCutOff } = splitEnvelopes(body, maxMessageBytes);
  let message: AnyMessage | undefined;
  for (const envelope of envelopes) {
    const isPacked = (envelope.flags & compressedFlag) !== 0;
    const { data } = isPacked
      ? await envelopeDecompress(envelope, exchange.encodings.request, maxMessageBytes)
      : envelope;
    if ((envelope.flags & skippedFlag) !== 0) continue;
    const parsed = codec.parse(exchange.method, exchange.form.isJson, data);
    if (message !== undefined) throw protocolError("received extra input message for unary method", Code.Unimplemented);
    message = parsed;
  }
  if (isCutOff) throw protocolError("incomplete envelope", Code.InvalidArgument);
  if (message === undefined) throw protocolError("missing input message for unary method", Code.Unimplemented);
  return message;
}

const protocolError = (detail: string, code: Code) => new ConnectError(`protocol error: ${detail}`, code);

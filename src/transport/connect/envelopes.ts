/** The envelopes in the request of a unary call. */
import { Code, ConnectError } from "@connectrpc/connect";
import { type Envelope, prefixBytes } from "../envelope.ts";
import { compressedFlag, envelopeDecompress } from "../internals.ts";
import type { AnyMessage } from "./codec.ts";
import { type Exchange, type ProtocolOptions, tooLarge } from "./protocol.ts";

/** A message and trailers, and one that shows that there are too many. */
const maxEnvelopes = 3;

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

/** The one message of a body. An envelope with `skippedFlag` holds none. */
export async function readEnvelopes(
  exchange: Exchange,
  body: Uint8Array,
  { codec, maxMessageBytes }: ProtocolOptions,
  skippedFlag = 0,
): Promise<AnyMessage> {
  const { envelopes, isCutOff } = splitEnvelopes(body, maxMessageBytes);
  let message: AnyMessage | undefined;
  let skipped = 0;
  for (const envelope of envelopes) {
    if ((envelope.flags & skippedFlag) !== 0) {
      if (++skipped > 1) throw protocolError("received extra trailers for unary method", Code.InvalidArgument);
      continue;
    }
    const isPacked = (envelope.flags & compressedFlag) !== 0;
    const { data } = isPacked
      ? await envelopeDecompress(envelope, exchange.encodings.request, maxMessageBytes)
      : envelope;
    const parsed = codec.parse(exchange.method, exchange.form.isJson, data);
    if (message !== undefined) throw protocolError("received extra input message for unary method", Code.Unimplemented);
    message = parsed;
  }
  if (isCutOff) throw protocolError("incomplete envelope", Code.InvalidArgument);
  if (message === undefined) throw protocolError("missing input message for unary method", Code.Unimplemented);
  return message;
}

const protocolError = (detail: string, code: Code) => new ConnectError(`protocol error: ${detail}`, code);

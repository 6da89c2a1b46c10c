/**
 * gRPC-Web's text mode (`application/grpc-web-text`): binary gRPC-Web whose request and response bodies are base64. Google's
 * client library uses it by default, and reads streams in no other mode: XMLHttpRequest shows a body that is still arriving
 * as text only. (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md)
 *
 * To report: "createGrpcWebHandler parses the content type application/grpc-web-text and answers it with 415."
 */
import type { IncomingMessage } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { receiveBody } from "../request.ts";
import type { ShutdownNotices } from "../shutdown-notices.ts";
import { parseGrpcWebType, type UniversalServerRequest } from "./internals.ts";

/** Room for the padding of a body that was encoded in pieces. */
const paddingBytes = 1_024;

/** The longest body in base64 of so many bytes. */
export function maxTextLength(bytes: number): number {
  return Math.ceil(bytes / 3) * 4 + paddingBytes;
}

/** Whether a content type is of the text mode. */
export function isTextMode(contentType: string | undefined): boolean {
  return contentType !== undefined && parseGrpcWebType(contentType)?.text === true;
}

/**
 * The bytes of a request's body of at most so many, as `receiveBody` returns them. It is received as a whole because pages
 * have no way to stream a request.
 */
export async function receiveText(
  request: IncomingMessage,
  maxBytes: number,
  shutdown: ShutdownNotices,
): Promise<Uint8Array | undefined> {
  const maxLength = maxTextLength(maxBytes);
  // Of a body that is too long this is enough to show it.
  return decodeText((await receiveBody(request, maxLength, shutdown))?.subarray(0, maxLength));
}

/** The six bits that each character of base64 represents; -1 for other characters. */
const bitsOf = new Int8Array(256).fill(-1);
for (const [bits, character] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].entries()) {
  bitsOf[character.charCodeAt(0)] = bits;
}
const paddingByte = "=".charCodeAt(0);

/**
 * Decodes base64. A client that encodes its body in pieces pads each of them, so padding may stand at the end of any group of
 * four characters. Node's decoder stops at padding, and a call of it for each piece takes 200 times as long as this loop.
 * Throws a ConnectError if the body is not base64.
 */
export function decodeText<Body extends Uint8Array | undefined>(body: Body): Body | Buffer {
  if (body === undefined) return body;
  const bitsAt = (at: number) => bitsOf[body[at] ?? 0] ?? -1;
  const bytes = Buffer.allocUnsafe(Math.ceil(body.length / 4) * 3);
  let length = 0;
  for (let at = 0; at < body.length; at += 4) {
    const padding = body[at + 3] !== paddingByte ? 0 : body[at + 2] !== paddingByte ? 1 : 2;
    const third = padding === 2 ? 0 : bitsAt(at + 2);
    const fourth = padding > 0 ? 0 : bitsAt(at + 3);
    // Negative if one of them is.
    const group = (bitsAt(at) << 18) | (bitsAt(at + 1) << 12) | (third << 6) | fourth;
    if (group < 0) throw new ConnectError("protocol error: the body is not base64", Code.InvalidArgument);
    bytes[length] = group >> 16;
    bytes[length + 1] = group >> 8;
    bytes[length + 2] = group;
    length += 3 - padding;
  }
  return bytes.subarray(0, length);
}

/** The request of the text mode as Connect takes it: the body has been decoded already. */
export function asBinary(request: UniversalServerRequest): UniversalServerRequest {
  const header = new Headers(request.header);
  header.set("content-type", (header.get("content-type") ?? "").replace(/-text/i, ""));
  // It is that of the text.
  header.delete("content-length");
  return { ...request, header };
}

/** The response's headers in the text mode. */
export function textHeader(header: Headers | undefined): Headers {
  const result = new Headers(header);
  result.set("content-type", (result.get("content-type") ?? "").replace("grpc-web", "grpc-web-text"));
  return result;
}

/** Encodes a response's body. Each piece is encoded alone, so that a stream's message arrives as soon as it is sent. */
export async function* encodeText(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const { buffer, byteOffset, length } of body) {
    yield Buffer.from(Buffer.from(buffer, byteOffset, length).toString("base64"), "latin1");
  }
}

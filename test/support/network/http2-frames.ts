/** HTTP/2 by hand (RFC 9113): frames that no client library would send. */
import { constants } from "node:http2";

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
};
export const flag = { none: 0, ack: 1, endStream: 1, endHeaders: 4 };

/** The beginning of every connection: the preface and empty settings. */
export const opening = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
  frame(frameType.settings),
]);

export function frame(type: number, flags = 0, stream = 0, payload: Uint8Array = Buffer.of()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Header fields as literals without any compression (RFC 7541, 6.2.2). */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

/** The fields of a call of gRPC. */
export const grpcFields = (path: string) => ({
  ":method": "POST",
  ":scheme": "http",
  ":authority": "localhost",
  ":path": path,
  "content-type": "application/grpc",
  te: "trailers",
});

/** The headers of a stream in one frame. By default the body is still to come. */
export function headers(stream: number, fields: Readonly<Record<string, string>>, flags = flag.endHeaders): Buffer {
  return frame(frameType.headers, flags, stream, headerBlock(fields));
}

/** Ends a stream with an error code, by default CANCEL. */
export function reset(stream: number, reason: number = constants.NGHTTP2_CANCEL): Buffer {
  return frame(frameType.reset, 0, stream, Buffer.of(0, 0, 0, reason));
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The whole frames in the bytes that a server has sent, as latin1. */
export function frames(received: string): Frame[] {
  const bytes = Buffer.from(received, "latin1");
  const found: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const [type, flags, stream] = [bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), bytes.readUInt32BE(at + 5)];
    found.push({ type, flags, stream, payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return found;
}

/** The code of the GOAWAY frame in bytes that a server has sent, if there is one. */
export function goawayCode(received: string): number | undefined {
  return frames(received)
    .find(({ type }) => type === frameType.goaway)
    ?.payload.readUInt32BE(4);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([length(bytes.length), bytes]);
}

/** A length of seven bits, continued in further bytes. */
function length(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.of(...bytes, rest);
}

/** Reads the HTTP/2 frames that pass through a proxy (RFC 9113, 4.1). */

const headLength = 9;

export interface FrameReader {
  /** Whether the bytes so far begin as those of HTTP/2. */
  isHttp2(): boolean;
  read(chunk: Buffer): void;
}

/** What a client sends first. */
export const clientPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Cuts one direction of a connection into frames. Does nothing once the bytes begin otherwise than with `start`. */
export function createFrameReader(
  found: (frame: { readonly type: number; readonly flags: number; readonly stream: number }) => void,
  start?: Buffer,
): FrameReader {
  let expected = start;
  let isHttp2 = true;
  let buffered: Buffer = Buffer.alloc(0);
  return {
    isHttp2: () => isHttp2,
    read(chunk) {
      if (!isHttp2) return;
      buffered = Buffer.concat([buffered, chunk]);
      if (expected) {
        const length = Math.min(buffered.length, expected.length);
        isHttp2 = buffered.subarray(0, length).equals(expected.subarray(0, length));
        if (!isHttp2 || length < expected.length) return;
        buffered = buffered.subarray(length);
        expected = undefined;
      }
      for (let end = frameEnd(buffered); end <= buffered.length; end = frameEnd(buffered)) {
        found({ type: buffered.readUInt8(3), flags: buffered.readUInt8(4), stream: buffered.readUInt32BE(5) });
        buffered = buffered.subarray(end);
      }
    },
  };
}

/** Where the first frame ends, Infinity while its header is not complete. */
function frameEnd(bytes: Buffer): number {
  return bytes.length < headLength ? Number.POSITIVE_INFINITY : headLength + bytes.readUIntBE(0, 3);
}

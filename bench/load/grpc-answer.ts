/** The prefix of a gRPC message: whether it is compressed, and its length. */
const prefixBytes = 5;
const idFieldTag = 0x08;

/**
 * A function that takes the pieces of an answer, which can be cut anywhere, and gives the id with which its message begins:
 * its first field. NaN while there is none.
 */
export function createIdReader(): (piece: Buffer) => number {
  let seen: Buffer | undefined;
  let id = Number.NaN;
  return (piece) => {
    if (!Number.isNaN(id)) return id;
    seen = seen ? Buffer.concat([seen, piece]) : piece;
    id = readId(seen);
    return id;
  };
}

function readId(bytes: Buffer): number {
  if (bytes[prefixBytes] !== idFieldTag) return Number.NaN;
  let value = 0;
  let scale = 1;
  for (const byte of bytes.subarray(prefixBytes + 1)) {
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  return Number.NaN;
}

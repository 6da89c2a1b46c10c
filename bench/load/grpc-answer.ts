/** The prefix of a gRPC message: whether it is compressed, and its length. */
const prefixBytes = 5;
const idFieldTag = 0x08;
const trailerFlag = 0x80;
const statusLine = /grpc-status: ?(\d+)/i;
const detailsLine = /grpc-status-details-bin: ?([\w+/]+)/i;

/**
 * A function that takes the pieces of an answer, which can be cut anywhere, and returns the id, the first field of its
 * message. NaN while there is none.
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

/** The id with which the message behind the prefix begins; NaN if it begins with something else. */
export function readId(bytes: Buffer): number {
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

/** A whole body of gRPC-Web, as Latin-1: the message of a call that succeeded, and the trailers. */
export interface GrpcWebBody {
  readonly status: string;
  readonly details: string;
  /** The message with its prefix, where there is one. */
  readonly message: Buffer;
}

export function readGrpcWeb(body: string): GrpcWebBody {
  const bytes = Buffer.from(body, "latin1");
  const isTrailer = ((bytes[0] ?? trailerFlag) & trailerFlag) !== 0;
  const end = isTrailer ? 0 : prefixBytes + bytes.readUInt32BE(1);
  const trailers = bytes.toString("latin1", end);
  return {
    status: statusLine.exec(trailers)?.[1] ?? "",
    details: detailsLine.exec(trailers)?.[1] ?? "",
    message: bytes.subarray(0, end),
  };
}

/** A response of HTTP/1.1, as much of it as the load generator looks at. */
export interface Http1Response {
  readonly status: number;
  /** Decoded as Latin-1, because only ASCII is searched in it. */
  readonly body: string;
}

const lengthHeader = /\r\ncontent-length: *(\d+)/i;
const chunkedHeader = /\r\ntransfer-encoding: *chunked/i;

/** Reads the one response that the bytes are; undefined if they are not all of it yet. Throws for anything else. */
export function parseHttp1Response(bytes: Buffer): Http1Response | undefined {
  const headerEnd = bytes.indexOf("\r\n\r\n");
  if (headerEnd < 0) return undefined;
  const header = bytes.toString("latin1", 0, headerEnd);
  const status = Number(header.slice(9, 12));
  const bodyStart = headerEnd + 4;
  const [, length] = lengthHeader.exec(header) ?? [];
  if (length !== undefined) {
    const bodyEnd = bodyStart + Number(length);
    if (bytes.length < bodyEnd) return undefined;
    if (bytes.length > bodyEnd) throw new Error("more than one response");
    return { status, body: bytes.toString("latin1", bodyStart, bodyEnd) };
  }
  if (chunkedHeader.test(header)) return readChunks(bytes, bodyStart, status);
  if (status === 204 || status === 304) return { status, body: "" };
  throw new Error("a response that does not tell its length");
}

function readChunks(bytes: Buffer, start: number, status: number): Http1Response | undefined {
  let body = "";
  for (let position = start; ; ) {
    const lineEnd = bytes.indexOf("\r\n", position);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", position, lineEnd), 16);
    const chunkEnd = lineEnd + 2 + size;
    if (bytes.length < chunkEnd + 2) return undefined;
    if (size === 0) return { status, body };
    body += bytes.toString("latin1", lineEnd + 2, chunkEnd);
    position = chunkEnd + 2;
  }
}

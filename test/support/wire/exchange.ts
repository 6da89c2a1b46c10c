/** Raw HTTP requests, and responses in a form in which two of them can be compared. */
import { request as startRequest } from "node:http";
import { connect } from "node:http2";
import { gunzipSync } from "node:zlib";

/** A header's value, or its values where the header is sent repeatedly. */
export type HeaderValues = Readonly<Record<string, string | readonly string[]>>;

export interface WireRequest {
  readonly httpVersion: 1 | 2;
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: HeaderValues;
  readonly body?: Uint8Array;
}

/** A response with its headers and trailers sorted, and its body decompressed. */
export interface WireResponse {
  readonly status: number | undefined;
  readonly headers: Fields;
  readonly trailers: Fields;
  /** Text of Connect, or the envelopes of gRPC and gRPC-Web. */
  readonly body: string | readonly Envelope[];
  /** Why there is no more of it, where it did not end as it should. */
  readonly failure?: string;
}

export type Fields = Readonly<Record<string, readonly string[]>>;

interface Envelope {
  readonly flags: number;
  /** As Latin-1. The lines of a gRPC-Web trailer are sorted. */
  readonly data: string;
}

interface Received {
  readonly status: number | undefined;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
  readonly body: Buffer;
  readonly failure?: string;
}

/** Not the same in two equal responses: the time, and how HTTP/1.1 marks the end of the body. */
const ignored = new Set(["date", "transfer-encoding", "content-length"]);
/** Both applications get the same one, so that what their handlers read is the same. */
const host = "frontrow.test";
const prefixBytes = 5;
const compressedFlag = 1;
const trailerFlag = 128;

/** Sends a request on its own connection. */
export async function exchange(port: number, request: WireRequest): Promise<WireResponse> {
  const received = await (request.httpVersion === 1 ? sendHttp1(port, request) : sendHttp2(port, request));
  const { status, failure } = received;
  const headers = fieldsOf(received.headers);
  return {
    status,
    headers,
    trailers: fieldsOf(received.trailers),
    body: readBody(isText(request) && status === 200 ? readText(received.body) : received.body, headers),
    ...(failure === undefined ? {} : { failure }),
  };
}

function sendHttp1(port: number, { method, path, headers, body }: WireRequest): Promise<Received> {
  const length = body === undefined || "transfer-encoding" in headers ? {} : { "content-length": String(body.length) };
  const lines = Object.entries({ host, ...length, ...headers }).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => [name, each]),
  );
  return new Promise((resolve) => {
    const fail = (error: Error) =>
      resolve({ status: undefined, headers: [], trailers: [], body: Buffer.of(), failure: error.message });
    const outgoing = startRequest(
      { host: "127.0.0.1", port, path, method, headers: lines, setHost: false, agent: false },
      async (response) => {
        const { status, rawHeaders } = { status: response.statusCode, rawHeaders: response.rawHeaders };
        const { bytes, failure } = await collect(response);
        resolve({ status, headers: rawHeaders, trailers: response.rawTrailers, body: bytes, ...failure });
      },
    );
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}

async function sendHttp2(port: number, { method, path, headers, body }: WireRequest): Promise<Received> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  try {
    const pseudo = { ":method": method, ":path": path, ":authority": host, ":scheme": "http" };
    const lists = Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === "string" ? value : [...value],
    ]);
    const stream = session.request({ ...pseudo, ...Object.fromEntries(lists) }, { endStream: body === undefined });
    let status: number | undefined;
    let [received, trailers]: [string[], string[]] = [[], []];
    stream.on("response", (fields, _flags, raw) => {
      status = fields[":status"];
      received = raw.filter((_, index) => !raw[index - (index % 2)]?.startsWith(":"));
    });
    stream.on("trailers", (_fields, _flags, raw) => {
      trailers = raw;
    });
    if (body !== undefined) stream.end(body);
    const { bytes, failure } = await collect(stream);
    return { status, headers: received, trailers, body: bytes, ...failure };
  } finally {
    session.destroy();
  }
}

async function collect(stream: AsyncIterable<Uint8Array>) {
  const pieces: Uint8Array[] = [];
  let failure: { failure: string } | undefined;
  try {
    for await (const piece of stream) pieces.push(piece);
  } catch (error) {
    failure = { failure: error instanceof Error ? error.message : String(error) };
  }
  return { bytes: Buffer.concat(pieces), failure };
}

/** Values that are joined with commas are one list with those that are sent repeatedly (RFC 9110, 5.3), but for Set-Cookie. */
function fieldsOf(lines: readonly string[]): Fields {
  const fields = new Map<string, string[]>();
  for (let at = 0; at < lines.length; at += 2) {
    const [name, value] = [lines[at]?.toLowerCase() ?? "", lines[at + 1] ?? ""];
    if (ignored.has(name)) continue;
    const values = name === "set-cookie" ? [value] : value.split(/, ?/);
    fields.set(name, [...(fields.get(name) ?? []), ...values]);
  }
  return Object.fromEntries([...fields].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether a call is in the text mode of gRPC-Web, whatever the content type of its response. */
const isText = ({ headers }: WireRequest) => /^application\/grpc-web-text/.test(String(headers["content-type"]));

function readBody(bytes: Buffer, headers: Fields): WireResponse["body"] {
  const type = headers["content-type"]?.[0] ?? "";
  if (type.startsWith("application/grpc")) return readEnvelopes(bytes);
  const isCompressed = headers["content-encoding"]?.[0] === "gzip" && bytes.length > 0;
  return (isCompressed ? gunzipSync(bytes) : bytes).toString("latin1");
}

/** Each piece of text was encoded, and padded, alone. */
function readText(bytes: Buffer): Buffer {
  const pieces = bytes.toString("latin1").match(/[^=]+=*/g) ?? [];
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64")));
}

function readEnvelopes(bytes: Buffer): Envelope[] {
  const envelopes: Envelope[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + prefixBytes > bytes.length) throw new Error("the response ends in the middle of a prefix");
    const flags = bytes.readUInt8(at);
    const end = at + prefixBytes + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) throw new Error("the response ends in the middle of an envelope");
    const sent = bytes.subarray(at + prefixBytes, end);
    const data = ((flags & compressedFlag) === 0 ? sent : gunzipSync(sent)).toString("latin1");
    envelopes.push({ flags, data: (flags & trailerFlag) === 0 ? data : sortedLines(data) });
    at = end;
  }
  return envelopes;
}

const sortedLines = (text: string) => text.split("\r\n").sort().join("\n").trim();

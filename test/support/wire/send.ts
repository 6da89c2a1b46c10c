/** The one sender of raw HTTP requests: what arrives is returned as it is on the wire. */
import { type IncomingHttpHeaders, request as startRequest } from "node:http";
import { connect } from "node:http2";

/** A header's value, or its values where the header is sent repeatedly. */
export type HeaderValues = Readonly<Record<string, string | readonly string[]>>;

export interface WireRequest {
  /** 1 if it is not given. */
  readonly httpVersion?: 1 | 2;
  /** POST if there is a body, else GET. */
  readonly method?: string;
  /** Sent as it is. */
  readonly path: string;
  /** Names in lower case. A `host` is the `:authority` of HTTP/2. */
  readonly headers?: HeaderValues;
  readonly body?: string | Uint8Array | undefined;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  /** Names and values in turn, without the fields that begin with a colon. */
  readonly headerLines: readonly string[];
  readonly trailerLines: readonly string[];
  readonly body: Buffer;
  /** The error that ended the response early. */
  readonly error?: Error;
}

/** Sends a request on a new connection. Rejects if the response does not end as it should. */
export async function sendRaw(port: number, request: WireRequest): Promise<RawResponse> {
  const { error, ...response } = await trySend(port, request);
  if (error) throw error;
  return response;
}

/** Sends a request on a new connection. An error leaves what has arrived before it, with the status 0 if nothing has. */
export function trySend(port: number, { httpVersion = 1, ...request }: WireRequest): Promise<RawResponse> {
  return httpVersion === 1 ? sendHttp1(port, request) : sendHttp2(port, request);
}

const nothing = { status: 0, headers: {}, trailers: {}, headerLines: [], trailerLines: [], body: Buffer.of() };

function sendHttp1(port: number, request: Omit<WireRequest, "httpVersion">): Promise<RawResponse> {
  const { path, body, method = methodFor(body), headers = {} } = request;
  const hasLength = body !== undefined && !("transfer-encoding" in headers);
  const length = hasLength ? { "content-length": String(Buffer.byteLength(body)) } : {};
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...length, ...headers }).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => [name, each]),
  );
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, path, method, headers: lines, setHost: false, agent: false };
    const outgoing = startRequest(options, async (response) => {
      const { statusCode: status = 0, headers, rawHeaders: headerLines } = response;
      const received = await collect(response);
      const { trailers, rawTrailers: trailerLines } = response;
      resolve({ status, headers, headerLines, trailers, trailerLines, ...received });
    });
    outgoing.on("error", (error) => resolve({ ...nothing, error }));
    outgoing.end(body);
  });
}

async function sendHttp2(port: number, request: Omit<WireRequest, "httpVersion">): Promise<RawResponse> {
  const { path, body, method = methodFor(body), headers: { host, ...headers } = {} } = request;
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  try {
    const lists = Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === "string" ? value : [...value],
    ]);
    const pseudo = { ":method": method, ":path": path, ...(host && { ":authority": String(host) }) };
    const stream = session.request({ ...pseudo, ...Object.fromEntries(lists) }, { endStream: body === undefined });
    let response: RawResponse = nothing;
    stream.on("response", (headers, _flags, raw) => {
      const headerLines = raw.filter((_, index) => !raw[index - (index % 2)]?.startsWith(":"));
      response = { ...response, status: headers[":status"] ?? 0, headers, headerLines };
    });
    stream.on("trailers", (trailers, _flags, trailerLines) => {
      response = { ...response, trailers, trailerLines };
    });
    if (body !== undefined) stream.end(body);
    const received = await collect(stream);
    return { ...response, ...received };
  } finally {
    session.destroy();
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Pick<RawResponse, "body" | "error">> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of stream) pieces.push(piece);
  } catch (error) {
    return { body: Buffer.concat(pieces), error: error instanceof Error ? error : new Error(String(error)) };
  }
  return { body: Buffer.concat(pieces) };
}

const methodFor = (body: WireRequest["body"]) => (body === undefined ? "GET" : "POST");

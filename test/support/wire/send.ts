/** One request and all of its response as they are on the wire: repeated headers, trailers, bytes. */
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as startRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";

export interface RawRequest {
  readonly path: string;
  /** POST if there is a body, else GET. */
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type HttpVersion = "HTTP/1.1" | "HTTP/2";

/** Sends a request on a new connection. */
export function sendRaw(port: number, version: HttpVersion, request: RawRequest): Promise<RawResponse> {
  return version === "HTTP/2" ? sendHttp2(port, request) : sendHttp1(port, request);
}

function sendHttp1(port: number, { path, headers, body, method = methodFor(body) }: RawRequest): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = startRequest({ port, path, method, headers, agent: false }, async (response) => {
      const pieces = await response.toArray();
      const { statusCode: status = 0, headers, trailers } = response;
      resolve({ status, headers, trailers, body: Buffer.concat(pieces) });
    });
    outgoing.on("error", reject).end(body);
  });
}

async function sendHttp2(
  port: number,
  { path, headers, body, method = methodFor(body) }: RawRequest,
): Promise<RawResponse> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ...headers, ":method": method, ":path": path });
    let answered: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    stream.on("response", (received) => {
      answered = received;
    });
    stream.on("trailers", (received) => {
      trailers = received;
    });
    stream.end(body);
    const pieces = await stream.toArray();
    return { status: Number(answered[":status"]), headers: answered, trailers, body: Buffer.concat(pieces) };
  } finally {
    session.destroy();
  }
}

const methodFor = (body: RawRequest["body"]) => (body === undefined ? "GET" : "POST");

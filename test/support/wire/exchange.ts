/** Exchanges in a form in which two responses can be compared. */
import { gunzipSync } from "node:zlib";
import { decodeText, readEnvelopes, trailerFlag } from "./envelopes.ts";
import { type HeaderValues, trySend, type WireRequest } from "./send.ts";

/** A response with its headers and trailers sorted, and its body decompressed. */
interface WireResponse {
  readonly status: number;
  readonly headers: Fields;
  readonly trailers: Fields;
  /** Text of Connect, or the envelopes of gRPC and gRPC-Web: their data as Latin-1, the lines of a trailer sorted. */
  readonly body: string | readonly { readonly flags: number; readonly data: string }[];
  /** The error that ended the response early. */
  readonly failure?: string;
}

export type Fields = Readonly<Record<string, readonly string[]>>;

/** Not the same in two equal responses: the time, the request's id, and how HTTP/1.1 marks the end of the body. */
const ignored = new Set(["date", "x-request-id", "transfer-encoding", "content-length"]);
/** Both applications get the same one, so that what their handlers read is the same. */
const host = "frontrow.test";

/** Sends a request on a new connection. */
export async function exchange(port: number, request: WireRequest): Promise<WireResponse> {
  const { status, error, ...received } = await trySend(port, { ...request, headers: { host, ...request.headers } });
  const headers = fieldsOf(received.headerLines);
  const isDecoded = isText(request.headers) && status === 200;
  return {
    status,
    headers,
    trailers: fieldsOf(received.trailerLines),
    body: readBody(isDecoded ? decodeText(received.body) : received.body, headers),
    ...(error && { failure: error.message }),
  };
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
const isText = (headers: HeaderValues = {}) => /^application\/grpc-web-text/.test(String(headers["content-type"]));

function readBody(bytes: Buffer, headers: Fields): WireResponse["body"] {
  const type = headers["content-type"]?.[0] ?? "";
  if (type.startsWith("application/grpc")) {
    return readEnvelopes(bytes).map(({ flags, data }) => {
      const text = data.toString("latin1");
      return { flags, data: (flags & trailerFlag) === 0 ? text : text.split("\r\n").sort().join("\n").trim() };
    });
  }
  const isCompressed = headers["content-encoding"]?.[0] === "gzip" && bytes.length > 0;
  return (isCompressed ? gunzipSync(bytes) : bytes).toString("latin1");
}

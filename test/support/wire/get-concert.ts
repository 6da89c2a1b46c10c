/** Unary calls of GetConcert as each protocol writes them, byte by byte and without a client library. */
import { gunzipSync, gzipSync } from "node:zlib";
import { create, fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import { type Concert, ConcertSchema } from "../../gen/frontrow/v1/concert_pb.ts";
import { GetConcertRequestSchema } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { envelope } from "./bad-input.ts";
import { type HttpVersion, type RawRequest, type RawResponse, sendRaw } from "./raw-exchange.ts";

export interface WireResponse {
  /** As the protocol writes it: a number in the gRPC protocols, a name in Connect; undefined if the call succeeded. */
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly message: Concert | undefined;
  readonly trailers: Readonly<Record<string, string>>;
  readonly raw: RawResponse;
}

export interface CallInit {
  readonly headers?: Record<string, string>;
  /** Compresses the request. */
  readonly gzip?: boolean;
}

export interface Wire {
  readonly name: string;
  readonly version: HttpVersion;
  readonly isJson: boolean;
  /** The Content-Type of the response. */
  readonly responseType: string;
  /** What the names of headers about compression begin with. */
  readonly prefix: "" | "grpc-";
  readonly timeout: Record<string, string>;
  request(message: Uint8Array, init: CallInit): RawRequest;
  read(response: RawResponse): Omit<WireResponse, "raw" | "message"> & { readonly bytes: Uint8Array | undefined };
}

const path = "/frontrow.v1.ConcertService/GetConcert";

const connect = (isJson: boolean, version: HttpVersion): Wire => ({
  name: `Connect ${isJson ? "JSON" : "binary"} over ${version}`,
  ...{ version, isJson, prefix: "", timeout: { "connect-timeout-ms": "5000" } },
  responseType: isJson ? "application/json" : "application/proto",
  request: (message, { headers, gzip }) => ({
    path,
    headers: { "content-type": isJson ? "application/json" : "application/proto", ...encoding("", gzip), ...headers },
    body: gzip ? gzipSync(message) : message,
  }),
  read: readConnect,
});

const connectGet = (isJson: boolean): Wire => ({
  ...connect(isJson, "HTTP/1.1"),
  name: `Connect GET in ${isJson ? "JSON" : "binary"}`,
  request(message, { headers = {}, gzip }) {
    const query = new URLSearchParams({ connect: "v1", encoding: isJson ? "json" : "proto", base64: "1" });
    if (gzip) query.set("compression", "gzip");
    query.set("message", Buffer.from(gzip ? gzipSync(message) : message).toString("base64url"));
    return { path: `${path}?${query}`, headers };
  },
});

function readConnect({ status, headers, body }: RawResponse): ReturnType<Wire["read"]> {
  const bytes = headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
  const trailers = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith("trailer-") ? [[name.slice("trailer-".length), String(value)]] : [],
    ),
  );
  if (status === 200) return { code: undefined, error: undefined, bytes, trailers };
  const { code, message } = JSON.parse(bytes.toString());
  return { code, error: message, bytes: undefined, trailers };
}

interface GrpcWire {
  readonly type: string;
  readonly version: HttpVersion;
  readonly isJson?: boolean;
  /** What the body goes through. */
  readonly encode?: (body: Buffer) => string;
}

const grpc = ({ type, version, isJson = false, encode }: GrpcWire): Wire => ({
  name: `${type} over ${version}`,
  ...{ version, isJson, prefix: "grpc-", timeout: { "grpc-timeout": "5S" } },
  responseType: type.replace(/\+.*/, "") + (isJson ? "+json" : "+proto"),
  request(message, { headers, gzip }) {
    const body = gzip ? envelope(gzipSync(message), 1) : envelope(message);
    const sent = encode ? encode(body) : body;
    return {
      path,
      headers: { "content-type": type, te: "trailers", ...encoding("grpc-", gzip), ...headers },
      body: sent,
    };
  },
  read({ headers, trailers, body }) {
    const messages: Buffer[] = [];
    let last: Record<string, string> = Object.fromEntries(Object.entries(trailers).map(([k, v]) => [k, String(v)]));
    let rest = encode ? Buffer.from(body.toString(), "base64") : body;
    while (rest.length > 0) {
      const [flags, length] = [rest.readUInt8(), rest.readUInt32BE(1)];
      const data = (flags & 1) !== 0 ? gunzipSync(rest.subarray(5, 5 + length)) : rest.subarray(5, 5 + length);
      if ((flags & 0x80) === 0) messages.push(data);
      else
        last = Object.fromEntries(
          data
            .toString()
            .split("\r\n")
            .map((line) => line.split(": ") as [string, string]),
        );
      rest = rest.subarray(5 + length);
    }
    const { "grpc-status": status = headers["grpc-status"]?.toString(), "grpc-message": error = "" } = last;
    const code = status === "0" ? undefined : String(status);
    return { code, error: decodeURIComponent(error), bytes: messages[0], trailers: last };
  },
});

const encoding = (prefix: string, gzip = false): Record<string, string> =>
  gzip ? { [prefix === "" ? "content-encoding" : "grpc-encoding"]: "gzip" } : {};

const base64 = (body: Buffer) => body.toString("base64");

/** Every way to call a unary method. */
export const wires: readonly Wire[] = [
  grpc({ type: "application/grpc", version: "HTTP/2" }),
  grpc({ type: "application/grpc+json", version: "HTTP/2", isJson: true }),
  grpc({ type: "application/grpc+proto", version: "HTTP/1.1" }),
  grpc({ type: "application/grpc-web", version: "HTTP/1.1" }),
  grpc({ type: "application/grpc-web+proto", version: "HTTP/2" }),
  grpc({ type: "application/grpc-web+json", version: "HTTP/1.1", isJson: true }),
  grpc({ type: "application/grpc-web-text", version: "HTTP/1.1", encode: base64 }),
  grpc({ type: "application/grpc-web-text+proto", version: "HTTP/2", encode: base64 }),
  connect(true, "HTTP/1.1"),
  connect(false, "HTTP/2"),
  connectGet(true),
  connectGet(false),
];

/** Calls GetConcert. */
export async function callWire(wire: Wire, port: number, id: bigint, init: CallInit = {}): Promise<WireResponse> {
  const message = create(GetConcertRequestSchema, { id });
  const sent = wire.isJson
    ? Buffer.from(toJsonString(GetConcertRequestSchema, message))
    : toBinary(GetConcertRequestSchema, message);
  const raw = await sendRaw(port, wire.version, wire.request(sent, init));
  const { bytes, ...read } = wire.read(raw);
  const parsed =
    bytes &&
    (wire.isJson ? fromJsonString(ConcertSchema, Buffer.from(bytes).toString()) : fromBinary(ConcertSchema, bytes));
  return { ...read, message: parsed, raw };
}

/** Unary calls in every form that a protocol has for them: of ListConcerts, unless the path is of another method. */
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { ListConcertsRequestSchema } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { compressedFlag, envelope } from "./envelopes.ts";
import { rpcPath } from "./http.ts";
import type { HeaderValues, WireRequest } from "./send.ts";

export type Protocol = "Connect" | "Connect GET" | "gRPC" | "gRPC-Web" | "gRPC-Web text";
export type Codec = "JSON" | "binary";

/** A way to call. */
export interface Way {
  readonly name: string;
  readonly protocol: Protocol;
  readonly httpVersion: 1 | 2;
  readonly codec: Codec;
  /** In place of the usual one. */
  readonly contentType?: string;
}

/** What differs from the usual call. */
export interface Unusual {
  readonly method?: string;
  readonly path?: string;
  /** Replace the usual ones, or remove them. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The message; a request for a short one if it is not given. */
  readonly message?: Uint8Array;
  /** In place of the message in its envelope. */
  readonly body?: Uint8Array;
  /** Parameters of Connect GET: replace the usual ones, or remove them. */
  readonly query?: Readonly<Record<string, string | undefined>>;
}

/** A way by its parts. */
export const way = (protocol: Protocol, httpVersion: 1 | 2, codec: Codec, contentType?: string): Way => ({
  name: `${protocol} over HTTP/${httpVersion} in ${codec}${contentType === undefined ? "" : ` as ${contentType}`}`,
  ...{ protocol, httpVersion, codec, ...(contentType !== undefined && { contentType }) },
});

/** The usual way to call by each protocol. */
export const usualWays: readonly Way[] = [
  way("Connect", 1, "JSON"),
  way("Connect GET", 1, "JSON"),
  way("gRPC", 2, "binary"),
  way("gRPC-Web", 1, "binary"),
];
/** The other format of each protocol. */
export const otherFormats: readonly Way[] = usualWays.map(({ protocol, httpVersion, codec }) =>
  way(protocol, httpVersion, codec === "JSON" ? "binary" : "JSON"),
);
/** The other version of HTTP, where the protocol has one. */
export const otherVersions: readonly Way[] = [
  way("Connect", 2, "JSON"),
  way("Connect GET", 2, "JSON"),
  way("gRPC-Web", 2, "binary"),
];
export const textWays: readonly Way[] = [way("gRPC-Web text", 1, "binary"), way("gRPC-Web text", 2, "binary")];

/** The message that asks for a response by its name. */
export function messageFor(name: string, codec: Codec): Buffer {
  const request = create(ListConcertsRequestSchema, { name });
  return Buffer.from(codec === "JSON" ? JSON.stringify({ name }) : toBinary(ListConcertsRequestSchema, request));
}

export const isEnveloped = ({ protocol }: Way) => protocol.startsWith("gRPC");

/** The content type of a call. */
export function contentTypeOf({ protocol, codec, contentType }: Omit<Way, "name">): string {
  if (contentType !== undefined) return contentType;
  const format = codec === "JSON" ? "json" : "proto";
  if (protocol === "gRPC") return `application/grpc+${format}`;
  if (protocol === "gRPC-Web text") return `application/grpc-web-text+${format}`;
  return protocol === "gRPC-Web" ? `application/grpc-web+${format}` : `application/${format}`;
}

/** The headers by which a protocol says how the request is compressed, what it accepts, and how long it waits. */
export function headerNamesOf(way: Way) {
  return isEnveloped(way)
    ? { encoding: "grpc-encoding", accept: "grpc-accept-encoding", timeout: "grpc-timeout" }
    : { encoding: "content-encoding", accept: "accept-encoding", timeout: "connect-timeout-ms" };
}

/** A whole request. */
export function call(way: Way, unusual: Unusual = {}): WireRequest {
  const { httpVersion, protocol, codec } = way;
  const { message = messageFor("a short message", codec), path = rpcPath("ConcertService.ListConcerts") } = unusual;
  if (protocol === "Connect GET") {
    const { query, headers = {}, method = "GET" } = unusual;
    const usual = { connect: "v1", encoding: codec === "JSON" ? "json" : "proto", ...messageParameter(message, codec) };
    return { httpVersion, method, path: `${path}?${queryOf({ ...usual, ...query })}`, headers: present(headers) };
  }
  const usual = {
    "content-type": contentTypeOf(way),
    ...(protocol === "Connect" && { "connect-protocol-version": "1" }),
    ...(protocol === "gRPC" && { te: "trailers" }),
  };
  return {
    ...{ httpVersion, path, method: unusual.method ?? "POST" },
    headers: present({ ...usual, ...unusual.headers }),
    body: unusual.body ?? bodyOf(way, message),
  };
}

function bodyOf(way: Way, message: Uint8Array, flags = 0): Uint8Array {
  if (!isEnveloped(way)) return message;
  const bytes = envelope(message, flags);
  return way.protocol === "gRPC-Web text" ? Buffer.from(bytes.toString("base64")) : bytes;
}

/** The headers and the body, or the query, of a message that is compressed. */
export function compressed(way: Way, message: Uint8Array): Unusual {
  const packed = gzipSync(message);
  if (way.protocol === "Connect GET") {
    return { query: { compression: "gzip", base64: "1", message: packed.toString("base64url") } };
  }
  return { headers: { [headerNamesOf(way).encoding]: "gzip" }, body: bodyOf(way, packed, compressedFlag) };
}

function messageParameter(message: Uint8Array, codec: Codec): Readonly<Record<string, string>> {
  const bytes = Buffer.from(message);
  return codec === "JSON" ? { message: bytes.toString() } : { base64: "1", message: bytes.toString("base64url") };
}

function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value = ""]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
}

function present(headers: NonNullable<Unusual["headers"]>): HeaderValues {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Calls of GetConcert as each protocol writes them, byte by byte and without a client library. */
import { gunzipSync } from "node:zlib";
import { create, fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import { type Concert, ConcertSchema } from "../../../gen/frontrow/v1/concert_pb.ts";
import { GetConcertRequestSchema } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { call, compressed, contentTypeOf, headerNamesOf, isEnveloped, type Way, way } from "./calls.ts";
import { decodeText, readEnvelopes, trailerFlag } from "./envelopes.ts";
import { rpcPath } from "./http.ts";
import { type RawResponse, sendRaw, type WireRequest } from "./send.ts";

/** A response as its protocol writes it. */
interface Read {
  /** A number in the gRPC protocols, a name in Connect; undefined if the call succeeded. */
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly bytes: Buffer | undefined;
  readonly trailers: Readonly<Record<string, string>>;
}

interface CallResponse extends Omit<Read, "bytes"> {
  readonly message: Concert | undefined;
  readonly raw: RawResponse;
}

export interface CallInit {
  readonly headers?: Record<string, string>;
  /** Compresses the request. */
  readonly gzip?: boolean;
}

export const isJson = ({ codec }: Way) => codec === "JSON";

/** The Content-Type of a response. */
export function responseTypeOf(each: Way): string {
  const { contentType, ...usual } = each;
  return contentTypeOf(usual);
}

/** The header that asks for an answer within five seconds. */
export const timeoutOf = (each: Way) => ({ [headerNamesOf(each).timeout]: isEnveloped(each) ? "5S" : "5000" });

/** The ways to call a unary method: every protocol, codec and version of HTTP, and the short content types. */
export const ways: readonly Way[] = [
  way("gRPC", 2, "binary", "application/grpc"),
  way("gRPC", 2, "JSON"),
  way("gRPC", 1, "binary"),
  way("gRPC-Web", 1, "binary", "application/grpc-web"),
  way("gRPC-Web", 2, "binary"),
  way("gRPC-Web", 1, "JSON"),
  way("gRPC-Web text", 1, "binary", "application/grpc-web-text"),
  way("gRPC-Web text", 2, "binary"),
  way("Connect", 1, "JSON"),
  way("Connect", 2, "binary"),
  way("Connect GET", 1, "JSON"),
  way("Connect GET", 1, "binary"),
];

/** A request with a message's bytes. */
export function requestOf(each: Way, message: Uint8Array, { headers = {}, gzip = false }: CallInit = {}): WireRequest {
  const { headers: packed, ...unusual } = gzip ? compressed(each, message) : { message, headers: {} };
  return call(each, { path: rpcPath("ConcertService.GetConcert"), ...unusual, headers: { ...packed, ...headers } });
}

/** Calls GetConcert. */
export async function callWay(each: Way, port: number, id: bigint, init: CallInit = {}): Promise<CallResponse> {
  const request = create(GetConcertRequestSchema, { id });
  const sent = isJson(each)
    ? Buffer.from(toJsonString(GetConcertRequestSchema, request))
    : toBinary(GetConcertRequestSchema, request);
  const raw = await sendRaw(port, requestOf(each, sent, init));
  const { bytes, ...read } = readResponse(each, raw);
  const parse = () =>
    isJson(each) ? fromJsonString(ConcertSchema, String(bytes)) : fromBinary(ConcertSchema, bytes ?? Buffer.of());
  return { ...read, message: bytes && parse(), raw };
}

/** Reads a response of the way's protocol. */
export function readResponse(each: Way, raw: RawResponse): Read {
  return isEnveloped(each) ? readGrpc(each, raw) : readConnect(raw);
}

function readConnect({ status, headers, body }: RawResponse): Read {
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

function readGrpc({ protocol }: Way, { headers, trailers, body }: RawResponse): Read {
  const envelopes = readEnvelopes(protocol === "gRPC-Web text" ? decodeText(body) : body);
  const [message] = envelopes.filter(({ flags }) => (flags & trailerFlag) === 0);
  const inBody = envelopes.find(({ flags }) => (flags & trailerFlag) !== 0);
  const lines = inBody
    ? inBody.data
        .toString()
        .split("\r\n")
        .map((line) => line.split(": "))
    : Object.entries(trailers);
  const last: Record<string, string> = Object.fromEntries(lines.map(([name, value]) => [name, String(value)]));
  const { "grpc-status": status = headers["grpc-status"]?.toString(), "grpc-message": error = "" } = last;
  const code = status === "0" ? undefined : String(status);
  return { code, error: decodeURIComponent(error), bytes: message?.data, trailers: last };
}

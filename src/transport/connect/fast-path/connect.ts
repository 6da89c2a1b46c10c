/** Unary calls of the Connect protocol, by POST and by GET: https://connectrpc.com/docs/protocol */
import type { JsonObject } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { FastifyRequest } from "fastify";
import { connectErrorOf } from "../../../rpc/status.ts";
import { etagOf, isMatch, isNotModified, versionOf } from "../../conditional-requests.ts";
import { httpError } from "../../http-errors.ts";
import { queryOf } from "../../request.ts";
import { tooLarge } from "../envelopes.ts";
import { boundJsonError, type JsonError } from "../error-limits.ts";
import { codeToHttpStatus, errorToJson, mergeNonProtocolHeaders, parseConnectTimeout } from "../internals.ts";
import { isUndecodable } from "../workarounds.ts";
import type { AnyMessage, MessageOptions } from "./codec.ts";
import { compress, type Exchange, type Form, type Protocol, responseHeaders } from "./protocol.ts";

const formats = [
  { name: "proto", isJson: false, contentType: "application/proto" },
  { name: "json", isJson: true, contentType: "application/json" },
];

/** The forms of Connect's requests. */
export function createConnect(options: MessageOptions) {
  const { maxMessageBytes } = options;
  const parse = async ({ method, form, encodings }: Exchange, received: Uint8Array) => {
    const bytes = (await encodings.request?.decompress(received, maxMessageBytes)) ?? received;
    try {
      return method.codec.parse(form.isJson, bytes);
    } catch (error) {
      throw blameClient(error);
    }
  };
  const protocol: Protocol = {
    name: "connect",
    encodingHeader: "content-encoding",
    acceptHeader: "accept-encoding",
    timeoutHeader: "connect-timeout-ms",
    parseTimeout: (value) => parseConnectTimeout(value, Number.MAX_SAFE_INTEGER),
    maxBodyBytes: maxMessageBytes,
    messageBytes: (bytes) => bytes,
    open() {},

    async read(exchange, body) {
      if (body.length > maxMessageBytes) throw tooLarge(maxMessageBytes);
      return await parse(exchange, body);
    },

    succeed: (exchange, bytes) => send(exchange, 200, bytes),
    fail: (exchange, error) => fail(exchange, error, codeToHttpStatus(error.code), options),
  };
  const get: Protocol = {
    ...protocol,

    read: (exchange) => parse(exchange, messageOf(exchange.form.query)),
    succeed: (exchange, bytes, message) => sendTagged(exchange, bytes, message, options),
  };
  return {
    /** The content types of POST with what they mean. */
    post: formats.map(({ contentType, isJson }): [string, Form] => [contentType, { protocol, isJson, contentType }]),
    /** The form of a GET; undefined for a query that names no format, which the fast path does not own. */
    get(request: FastifyRequest): Form | undefined {
      // The mount has refused malformed ones.
      const query = queryOf(request);
      const format = formats.find(({ name }) => name === query.get("encoding"));
      return format && { protocol: get, ...format, query };
    },
  };
}

/** Connect takes malformed binary for a fault of the server. */
function blameClient(error: unknown): unknown {
  const isClients = error instanceof ConnectError && isUndecodable(error.code, error.rawMessage);
  return isClients ? new ConnectError(error.rawMessage, Code.InvalidArgument) : error;
}

/** The bytes of the message in a query. Base64 may be the URL-safe one, with or without padding: Node's decoder takes both. */
function messageOf(query: URLSearchParams | undefined): Uint8Array {
  return Buffer.from(query?.get("message") ?? "", query?.get("base64") === "1" ? "base64" : "utf8");
}

async function fail(exchange: Exchange, error: ConnectError, status: number, options: MessageOptions): Promise<void> {
  const { header } = exchange;
  if (!error.isWireError) {
    mergeNonProtocolHeaders(header, error.metadata);
    // The refusal of an unknown compression names those that there are.
    const accepted = error.metadata.get("accept-encoding");
    if (accepted !== null && !exchange.form.query) header.set("accept-encoding", accepted);
  }
  header.set("content-type", "application/json");
  // Of a GET it could be kept.
  header.set("cache-control", "no-store");
  const json = boundJsonError(errorToJson(error, options.jsonOptions) as JsonObject & JsonError);
  await send(exchange, status, Buffer.from(JSON.stringify(json)));
}

async function send(exchange: Exchange, status: number, bytes: Uint8Array): Promise<void> {
  write(exchange, status, await pack(exchange, bytes));
}

/** The bytes as they are sent, which the response's headers then say. */
async function pack(exchange: Exchange, bytes: Uint8Array): Promise<Uint8Array> {
  const packed = await compress(exchange, bytes);
  if (packed === undefined) return bytes;
  exchange.header.set("content-encoding", exchange.encodings.response?.name ?? "");
  return packed;
}

function write(exchange: Exchange, status: number, body: Uint8Array): void {
  const { header, trailer, reply } = exchange;
  for (const [name, value] of trailer) header.append(`trailer-${name}`, value);
  const headers = responseHeaders(exchange);
  if (status !== 304) headers["content-length"] = String(body.length);
  reply.raw.writeHead(status, headers);
  reply.raw.end(body);
}

/** The response to a GET with its ETag; without its body if the client has it. An error for a failed If-Match. */
async function sendTagged(
  exchange: Exchange,
  bytes: Uint8Array,
  message: AnyMessage,
  options: MessageOptions,
): Promise<void> {
  const { header, reply } = exchange;
  const { headers } = reply.request;
  const body = await pack(exchange, bytes);
  const version = versionOf(message);
  const etag = etagOf(body, version);
  if (!isMatch(headers, etag, version)) {
    header.delete("content-encoding");
    // As Connect writes errors, so that its clients can read it; the status is that of REST.
    return await fail(exchange, connectErrorOf(httpError(412).status), 412, options);
  }
  header.set("etag", etag);
  if (!isNotModified(headers, etag)) return write(exchange, 200, body);
  for (const name of ["content-type", "content-length", "content-encoding"]) header.delete(name);
  write(exchange, 304, Buffer.alloc(0));
}

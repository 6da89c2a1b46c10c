/** Bodies, good and bad, in tables of calls. */
import { gzipSync } from "node:zlib";
import { messageFor, type Unusual, type Way } from "./calls.ts";
import { envelope } from "./envelopes.ts";

/** What is unusual about a call, by its name; undefined where it does not apply. */
export type Table = Readonly<Record<string, (way: Way) => Unusual | undefined>>;

/** More than `serveApp` takes. */
export const tooMany = 64 * 1024 + 100;
export const long = "a long message";

const json = (text: string) => Buffer.from(text);

/** Messages of either codec that are wrong, or look so. */
export const messages: Table = {
  "a malformed message": ({ codec }) => ({ message: codec === "JSON" ? json("{nothing") : Buffer.of(0xff, 0xff, 1) }),
  "a truncated message": ({ codec }) => ({ message: messageFor(long, codec).subarray(0, -3) }),
  "an empty body": () => ({ message: Buffer.of() }),
  "a field of another type": ({ codec }) => ({ message: codec === "JSON" ? json('{"name":5}') : Buffer.of(0x28, 5) }),
  "an unknown field": ({ codec }) => ({
    message: codec === "JSON" ? json('{"name":"","unknown":[{}]}') : Buffer.of(0xa2, 6, 1, 65),
  }),
  "broken UTF-8": ({ codec }) => ({
    message:
      codec === "JSON" ? Buffer.concat([json('{"name":"'), Buffer.of(0xff), json('"}')]) : Buffer.of(0x2a, 1, 0xff),
  }),
  "a lone surrogate": ({ codec }) => (codec === "JSON" ? { message: json('{"pageSize":"\\ud800"}') } : undefined),
  "a byte order mark": ({ codec }) =>
    codec === "JSON" ? { message: Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), json("{}")]) } : undefined,
  null: ({ codec }) => (codec === "JSON" ? { message: json("null") } : undefined),
  "an array": ({ codec }) => (codec === "JSON" ? { message: json("[]") } : undefined),
  "a key twice": ({ codec }) => (codec === "JSON" ? { message: json('{"name":"a","name":"b"}') } : undefined),
  "a deep value": ({ codec }) =>
    codec === "JSON" ? { message: json(`{"x":${"[".repeat(2_000)}${"]".repeat(2_000)}}`) } : undefined,
  "something after the message": ({ codec }) =>
    codec === "JSON" ? { message: json('{"name":""} x') } : { message: Buffer.of(0x2a, 0, 0x2a) },
  "a message against the rules": ({ codec }) => ({ message: messageFor("\0".repeat(101), codec) }),
};

const padding = (bytes: number) => Buffer.alloc(bytes, " ");

/** Bodies of Connect's POST. */
export const bodies: Table = {
  "too large a body": () => ({ body: padding(tooMany) }),
  "too large a body in chunks": ({ httpVersion }) => ({
    ...(httpVersion === 1 && { headers: { "transfer-encoding": "chunked" } }),
    body: padding(tooMany),
  }),
  "too large a message in a small body": () => ({
    headers: { "content-encoding": "gzip" },
    body: gzipSync(padding(tooMany)),
  }),
  "a body in chunks": ({ httpVersion }) =>
    httpVersion === 1 ? { headers: { "transfer-encoding": "chunked" } } : undefined,
  "two messages": ({ codec }) => ({ body: Buffer.concat([messageFor("", codec), messageFor("headers", codec)]) }),
  "what is not compressed as it says": () => ({ headers: { "content-encoding": "gzip" } }),
  "a broken compressed body": ({ codec }) => ({
    headers: { "content-encoding": "gzip" },
    body: gzipSync(messageFor(long, codec)).subarray(0, -9),
  }),
  "an empty compressed body": () => ({ headers: { "content-encoding": "gzip" }, body: Buffer.of() }),
  "an unknown encoding": () => ({ headers: { "content-encoding": "own" } }),
  "the encoding identity": () => ({ headers: { "content-encoding": "identity" } }),
  "an encoding in capitals": () => ({ headers: { "content-encoding": "GZIP" } }),
  "an encoding without a name": () => ({ headers: { "content-encoding": "" } }),
};

const gzipEncoding = { "grpc-encoding": "gzip" };

/** Bodies of gRPC and gRPC-Web. */
export const envelopes: Table = {
  "too large a message": () => ({ body: envelope(padding(tooMany)) }),
  "an announced message that is too large": () => ({ body: envelope(Buffer.of(), 0, tooMany) }),
  "an announced message of 4 GiB": () => ({ body: envelope(Buffer.of(), 0, 0xffff_ffff) }),
  "too large a message in a small body": () => ({
    headers: gzipEncoding,
    body: envelope(gzipSync(padding(tooMany)), 1),
  }),
  "no envelope": () => ({ body: Buffer.of() }),
  "half of a prefix": () => ({ body: Buffer.of(0, 0, 0) }),
  "a truncated envelope": ({ codec }) => ({ body: envelope(messageFor(long, codec), 0, 9_000) }),
  "something after the envelope": ({ codec }) => ({
    body: Buffer.concat([envelope(messageFor("", codec)), Buffer.of(0)]),
  }),
  "two messages": ({ codec }) => ({
    body: Buffer.concat([envelope(messageFor("", codec)), envelope(messageFor("headers", codec))]),
  }),
  "a message and a trailer": ({ codec }) => ({
    body: Buffer.concat([envelope(messageFor("", codec)), envelope(Buffer.from("a: b\r\n"), 128)]),
  }),
  "an unknown flag": ({ codec }) => ({ body: envelope(messageFor("", codec), 4) }),
  "the flag of the end of a stream": ({ codec }) => ({ body: envelope(messageFor("", codec), 2) }),
  "the flag of a trailer": ({ codec }) => ({ body: envelope(messageFor("", codec), 128) }),
  "a compressed message without an encoding": ({ codec }) => ({ body: envelope(gzipSync(messageFor("", codec)), 1) }),
  "what is not compressed as it says": ({ codec }) => ({
    headers: gzipEncoding,
    body: envelope(messageFor("", codec), 1),
  }),
  "a broken compressed message": ({ codec }) => ({
    headers: gzipEncoding,
    body: envelope(gzipSync(messageFor(long, codec)).subarray(0, -9), 1),
  }),
  "an empty compressed message": () => ({ headers: gzipEncoding, body: envelope(Buffer.of(), 1) }),
  "a message that is not compressed, with an encoding": () => ({ headers: gzipEncoding }),
  "an unknown encoding": () => ({ headers: { "grpc-encoding": "own" } }),
  "an unknown encoding of a compressed message": ({ codec }) => ({
    headers: { "grpc-encoding": "deflate" },
    body: envelope(messageFor("", codec), 1),
  }),
  "the encoding identity": () => ({ headers: { "grpc-encoding": "identity" } }),
  "a compressed message of the encoding identity": ({ codec }) => ({
    headers: { "grpc-encoding": "identity" },
    body: envelope(messageFor("", codec), 1),
  }),
};

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** Bodies of gRPC-Web in its text mode. */
export const texts: Table = {
  "too large a message": () => ({ body: Buffer.from(base64(envelope(padding(tooMany)))) }),
  "a body that is not base64": () => ({ body: Buffer.from("****") }),
  "a body that is not encoded": ({ codec }) => ({ body: envelope(messageFor("", codec)) }),
  "no envelope": () => ({ body: Buffer.of() }),
  "a body in two pieces, each with its padding": ({ codec }) => {
    const message = messageFor("headers", codec);
    return { body: Buffer.from(base64(envelope(message).subarray(0, 4)) + base64(envelope(message).subarray(4))) };
  },
  "a body without its padding": ({ codec }) => ({
    body: Buffer.from(base64(envelope(messageFor("headers", codec))).replaceAll("=", "")),
  }),
  "a body in base64 for URLs": ({ codec }) => ({
    body: Buffer.from(envelope(messageFor("??>>", codec)).toString("base64url")),
  }),
  "two messages": ({ codec }) => ({
    body: Buffer.from(base64(Buffer.concat([envelope(messageFor("", codec)), envelope(messageFor("", codec))]))),
  }),
};

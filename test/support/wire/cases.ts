/** Calls, good and bad: each table is multiplied by the ways to call that it applies to. */
import { gzipSync } from "node:zlib";
import { bodies, envelopes, long, messages, type Table, texts, tooMany } from "./bodies.ts";
import {
  call,
  compressed,
  contentTypeOf,
  headerNamesOf,
  isEnveloped,
  messageFor,
  otherFormats,
  otherVersions,
  textWays,
  type Unusual,
  usualWays,
  type Way,
} from "./calls.ts";
import { codes, replies } from "./handlers.ts";
import { rpcPath } from "./http.ts";
import type { WireRequest } from "./send.ts";

export interface Case {
  readonly name: string;
  readonly way: Way;
  readonly request: WireRequest;
}

const accepting =
  (...values: string[]) =>
  (way: Way): Unusual => ({
    headers: { [headerNamesOf(way).accept]: values },
    message: messageFor(long, way.codec),
  });

const responses: Table = Object.fromEntries(
  Object.keys(replies).map((name) => [name, ({ codec }: Way) => ({ message: messageFor(name, codec) })]),
);

const errorCodes: Table = Object.fromEntries(
  codes.map((code) => [
    `an error of the code ${code}`,
    ({ codec }: Way) => ({ message: messageFor(`code ${code}`, codec) }),
  ]),
);

const compressions: Table = {
  "a compressed request": (way) => compressed(way, messageFor(long, way.codec)),
  "a compressed request by a client that accepts gzip": (way) => {
    const { headers, ...rest } = compressed(way, messageFor("headers and trailers of a long message", way.codec));
    return { ...rest, headers: { ...headers, [headerNamesOf(way).accept]: "gzip" } };
  },
  "an empty message that is compressed": (way) => (way.codec === "binary" ? compressed(way, Buffer.of()) : undefined),
  "accepts gzip": accepting("gzip"),
  "accepts br before gzip": accepting("br, gzip"),
  "accepts gzip in capitals": accepting("GZIP"),
  "accepts gzip with a weight": accepting("gzip;q=0.5"),
  "accepts gzip with the weight 0": accepting("gzip;q=0"),
  "accepts nothing known": accepting("br, zstd"),
  "accepts anything": accepting("*"),
  "accepts the empty list": accepting(""),
  "accepts gzip in a second header": accepting("br", "gzip"),
  "accepts gzip, and gets an error with details": (way) => ({
    headers: { [headerNamesOf(way).accept]: "gzip" },
    message: messageFor("an error with too long details", way.codec),
  }),
};

const typed =
  (change: (type: string) => string | undefined) =>
  (way: Way): Unusual => ({
    headers: { "content-type": change(contentTypeOf(way)) },
  });

const contentTypes: Table = {
  "a content type in capitals": typed((type) => type.toUpperCase()),
  "a charset": typed((type) => `${type}; charset=utf-8`),
  "a charset in capitals": typed((type) => `${type};charset=UTF-8`),
  "another charset": typed((type) => `${type}; charset=iso-8859-1`),
  "another parameter": typed((type) => `${type}; a="b"`),
  "a content type that goes on": typed((type) => `${type}x`),
  "a content type without a format": typed((type) => type.replace(/\+.*/, "")),
  "an unknown format": typed((type) => type.replace(/(json|proto)$/, "thrift")),
  "a content type of streams": typed((type) => type.replace("application/", "application/connect+")),
  "a content type of pages": typed(() => "text/html"),
  "no content type": typed(() => undefined),
  "an empty content type": typed(() => ""),
};

const timed =
  (ofConnect: string | readonly string[], ofGrpc: string | readonly string[]) =>
  (way: Way): Unusual => ({
    headers: { [headerNamesOf(way).timeout]: isEnveloped(way) ? ofGrpc : ofConnect },
  });

const otherHeaders: Table = {
  "a timeout": timed("9000", "9S"),
  "a timeout in a small unit": timed("9999", "99999999u"),
  "a timeout that has passed": timed("0", "0S"),
  "an endless timeout": timed("9999999999", "99999999H"),
  "too long a timeout": timed("99999999999", "999999999S"),
  "a negative timeout": timed("-1", "-1S"),
  "a timeout that is no number": timed("soon", "soon"),
  "a timeout of an unknown unit": timed("9s", "9s"),
  "an empty timeout": timed("", ""),
  "the timeout of the other protocol": (way) => ({
    headers: isEnveloped(way) ? { "connect-timeout-ms": "0" } : { "grpc-timeout": "0S" },
  }),
  "a repeated header": () => ({ headers: { "x-own": ["1", "2"], "x-own-bin": ["AAE", "AAI="] } }),
  "a broken binary header": () => ({ headers: { "x-own-bin": "***" } }),
  cookies: () => ({ headers: { cookie: ["a=1", "b=2"] } }),
  "another origin": () => ({ headers: { origin: "https://example.com" } }),
  "a user agent": () => ({ headers: { "user-agent": "own/1", "x-user-agent": "own/2" } }),
  "no te": ({ protocol }) => (protocol === "gRPC" ? { headers: { te: undefined } } : undefined),
  "caching headers": () => ({ headers: { "cache-control": "no-cache", pragma: "no-cache" } }),
  "a body of the method PUT": () => ({ method: "PUT" }),
  "a query": ({ protocol }) =>
    protocol === "Connect GET" ? undefined : { path: `${rpcPath("ConcertService.ListConcerts")}?a=b&message=%7B%7D` },
  "a method without an implementation": () => ({ path: rpcPath("ConcertService.GetConcert") }),
  "a path in other letters": () => ({ path: rpcPath("ConcertService.listConcerts") }),
  "a path with a slash more": () => ({ path: `${rpcPath("ConcertService.ListConcerts")}/` }),
};

const versions: Table = {
  "no version": () => ({ headers: { "connect-protocol-version": undefined }, query: { connect: undefined } }),
  "another version": () => ({ headers: { "connect-protocol-version": "2" }, query: { connect: "v2" } }),
  "an empty version": () => ({ headers: { "connect-protocol-version": "" }, query: { connect: "" } }),
};

const gzipped = (text: string) => gzipSync(text).toString("base64url");

/** Connect GET's own. */
const queries: Table = {
  HEAD: () => ({ method: "HEAD" }),
  "a method that changes something": () => ({ path: rpcPath("ConcertService.CreateConcert") }),
  "no message": () => ({ query: { message: undefined } }),
  "no encoding": () => ({ query: { encoding: undefined } }),
  "an empty encoding": () => ({ query: { encoding: "" } }),
  "an unknown encoding": () => ({ query: { encoding: "thrift" } }),
  "an encoding in capitals": ({ codec }) => ({ query: { encoding: codec === "JSON" ? "JSON" : "PROTO" } }),
  "a message that is not base64": () => ({ query: { base64: "1", message: "***" } }),
  "a message in padded base64": () => ({
    query: { base64: "1", encoding: "json", message: Buffer.from("{ }").toString("base64") },
  }),
  "a message in standard base64": () => ({
    query: { base64: "1", encoding: "json", message: Buffer.from('{"name":"??>>"}').toString("base64") },
  }),
  "base64 of another value": () => ({ query: { base64: "true" } }),
  "an unknown compression": () => ({ query: { compression: "own" } }),
  "the compression identity": () => ({ query: { compression: "identity" } }),
  "a compression that is none": () => ({ query: { compression: "gzip" } }),
  "a compressed message in JSON": () => ({
    query: { compression: "gzip", base64: "1", encoding: "json", message: gzipped("{}") },
  }),
  "too large a compressed message": () => ({
    query: { compression: "gzip", base64: "1", encoding: "json", message: gzipped(" ".repeat(tooMany)) },
  }),
  "a parameter more": () => ({ query: { own: "1" } }),
  "a parameter twice": () => ({
    path: `${rpcPath("ConcertService.ListConcerts")}?encoding=json&message=%7B%7D&connect=v1&x=`,
  }),
  "a broken percent-encoding": () => ({ path: `${rpcPath("ConcertService.ListConcerts")}?own=%ff` }),
  "a content type": () => ({ headers: { "content-type": "application/json" } }),
  "a content encoding": () => ({ headers: { "content-encoding": "gzip" } }),
};

function multiply(ways: readonly Way[], ...tables: readonly Table[]): Case[] {
  return ways.flatMap((way) =>
    tables.flatMap((table) =>
      Object.entries(table).flatMap(([what, unusualOf]) => {
        const unusual = unusualOf(way);
        return unusual === undefined ? [] : [{ name: `${way.name}: ${what}`, way, request: call(way, unusual) }];
      }),
    ),
  );
}

const isGet = ({ protocol }: Way) => protocol === "Connect GET";
const isConnectPost = ({ protocol }: Way) => protocol === "Connect";
const usualPosts = usualWays.filter((way) => !isGet(way));
const versionsOfHttp = [...usualWays, ...otherVersions];

/** All cases, each with its own name. */
export const cases: readonly Case[] = [
  ...multiply([...usualWays, ...otherFormats, ...otherVersions], responses),
  ...multiply([...usualWays, ...otherFormats], messages),
  ...multiply(usualWays, compressions, otherHeaders),
  ...multiply(usualPosts, errorCodes, contentTypes),
  ...multiply(versionsOfHttp.filter(isConnectPost), bodies, versions),
  ...multiply(versionsOfHttp.filter(isEnveloped), envelopes),
  ...multiply(versionsOfHttp.filter(isGet), queries, versions),
  ...multiply(textWays, responses, texts),
];

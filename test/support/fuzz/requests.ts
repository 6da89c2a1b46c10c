/** Generators of whole HTTP requests to one method, by REST and by Connect. */
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { supports } from "../protocols/protocols.ts";
import { rpcPath } from "../wire/http.ts";
import { binaryMessage } from "./binary.ts";
import { type Header, oddMethod, type RawRequest, toTarget, withOddHeaders } from "./http.ts";
import { changed, damaged, encoded, garbage, laidOut, type Members } from "./json-text.ts";
import type { Shape } from "./shapes.ts";
import { type JsonText, nastyValue } from "./values.ts";

const restRoutes: Readonly<Record<string, readonly [method: string, path: string]>> = {
  "ConcertService.GetConcert": ["GET", "/api/v1/concerts/{id}"],
  "ConcertService.ListConcerts": ["GET", "/api/v1/concerts"],
  "ConcertService.CreateConcert": ["POST", "/api/v1/concerts"],
  "ConcertService.UpdateConcert": ["PUT", "/api/v1/concerts/{id}"],
  "BookingService.GetBooking": ["GET", "/api/v1/bookings/{id}"],
  "BookingService.GetUserBookings": ["GET", "/api/v1/bookings"],
  "BookingService.BookTickets": ["POST", "/api/v1/bookings"],
  "BookingService.CancelBooking": ["POST", "/api/v1/bookings/{id}/cancel"],
  "BookingService.ListConcertBookings": ["GET", "/api/v1/concerts/{concert_id}/bookings"],
  "BookingService.HoldTickets": ["POST", "/api/v1/holds"],
  "BookingService.ConfirmHold": ["POST", "/api/v1/bookings/{id}/confirm"],
  "BookingService.ReleaseHold": ["POST", "/api/v1/bookings/{id}/release"],
  "BookingService.ExtendHold": ["POST", "/api/v1/bookings/{id}/extend"],
};

/** A way to write text that was right otherwise; most often as it is. */
function rarely(weight: number, ...ways: ((text: string) => string)[]): fc.Arbitrary<(text: string) => string> {
  return fc.oneof({ weight, arbitrary: fc.constant((text: string) => text) }, fc.constantFrom(...ways));
}

const percentAll = (text: string) =>
  Buffer.from(text)
    .toString("hex")
    .replaceAll(/../g, (hex) => `%${hex}`);

const writeComponent = fc.constantFrom(
  ...Array.from({ length: 12 }, () => encode),
  (text: string) => encode(encode(text)),
  (text: string) => encode(text).replaceAll("%20", "+"),
  percentAll,
  (text: string) => text,
  (text: string) => text.replaceAll("%", ""),
  (text: string) => Buffer.from(text, "latin1").toString("latin1"),
);

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

const oddPath = rarely(
  14,
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => path.replaceAll("/", "//"),
  (path) => path.replace("/api", "/api/../api/."),
  (path) => path.replace("/api", "/api/%2e%2e/api"),
  (path) => path.replaceAll(/(?<=.)\//g, "%2f"),
  (path) => path.toUpperCase(),
  (path) => percentAll(path).replaceAll("%2f", "/"),
  (path) => path.replace("o", "%6F"),
  (path) => `${path}:cancel`,
  (path) => `${path};x=1`,
  (path) => `${path}%00`,
  (path) => `${path}%`,
  (path) => `${path}%ff`,
  (path) => `${path}%c0%af..`,
  (path) => `${path}#x`,
  (path) => `${path}/..%2f..%2fetc%2fpasswd`,
  (path) => `${path}.json`,
  (path) => `${path}${"/x".repeat(500)}`,
  (path) => `${path}é🎸`,
  (path) => `http://evil.test${path}`,
  (path) => `HTTP://evil.test:99999${path}`,
  () => "*",
  () => "/",
  () => "/%",
  () => "/__proto__/constructor",
);

const oddQueryPart = fc.constantFrom(
  "",
  "&&",
  "=",
  "%",
  "%zz",
  "%ff",
  "a[]=1",
  "a[b]=1",
  "?",
  "#x",
  ";",
  "__proto__=1",
  "+",
);

function parsed(value: JsonText): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** What a query says for a value: strings without their quotes. */
function bare(value: JsonText): string {
  const content = parsed(value);
  return typeof content === "string" ? content : value;
}

/** What a query says for a value of a field: a list as its items, each with the field's name. */
function bareItems(value: JsonText): string[] {
  const content = parsed(value);
  return Array.isArray(content) ? content.map((item) => bare(JSON.stringify(item))) : [bare(value)];
}

function queryOf(members: fc.Arbitrary<Members>): fc.Arbitrary<string> {
  const parts = fc
    .tuple(members, writeComponent, writeComponent)
    .map(([all, key, value]) =>
      all.flatMap(([name, json]) => bareItems(json).map((item) => `${key(name)}=${value(item)}`)),
    );
  const extra = fc.oneof({ weight: 8, arbitrary: fc.constant([]) }, fc.array(oddQueryPart, { maxLength: 3 }));
  return fc.tuple(parts, extra).map((all) => all.flat().join("&"));
}

const jsonBody = (members: fc.Arbitrary<Members>): fc.Arbitrary<Buffer> => {
  const whole = encoded(laidOut(members));
  return fc.oneof(
    { weight: 10, arbitrary: whole },
    { weight: 3, arbitrary: damaged(whole) },
    { weight: 2, arbitrary: garbage },
    { weight: 1, arbitrary: fc.constantFrom(Buffer.alloc(0), Buffer.alloc(20_000, " "), Buffer.alloc(20_000, "[")) },
  );
};

interface Parts {
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly body: Buffer | undefined;
  readonly headers: readonly Header[];
}

/** The request of its parts, with odd headers, on an odd path or with a wrong method now and then. */
function assemble(parts: fc.Arbitrary<Parts>): fc.Arbitrary<RawRequest> {
  return parts.chain(({ method, path, query, body, headers }) =>
    fc.record({
      method: oddMethod(method),
      target: oddPath.map((write) => toTarget(query === undefined ? write(path) : `${write(path)}?${query}`)),
      headers: withOddHeaders(headers),
      body: fc.constant(body),
    }),
  );
}

const json: Header = ["content-type", "application/json"];
const transfer = fc.constantFrom<Header[]>(...Array.from({ length: 9 }, () => []), [["transfer-encoding", "chunked"]]);

/** Requests to a method by REST. */
export function restRequest({ name, fields, right }: Shape): fc.Arbitrary<RawRequest> {
  const [method = "", template = ""] = restRoutes[name] ?? [];
  const parts = fc.tuple(changed(right, fields), nastyValue, writeComponent).chain(([members, nasty, write]) => {
    const [variable, name] = /\{(\w+)\}/.exec(template) ?? [];
    const id = members.find(([key]) => key === name)?.[1] ?? nasty;
    const path = variable === undefined ? template : template.replace(variable, () => write(bare(id)));
    const rest = fc.constant(members.filter(([key]) => key !== name));
    const nothing = fc.constant(undefined);
    const rawQuery = garbage.map((bytes) => bytes.toString("latin1"));
    return fc.record({
      ...{ method: fc.constant(method), path: fc.constant(path) },
      ...(method === "GET"
        ? {
            query: fc.oneof({ weight: 8, arbitrary: queryOf(rest) }, { weight: 1, arbitrary: rawQuery }),
            body: fc.oneof({ weight: 30, arbitrary: nothing }, jsonBody(rest)),
            headers: fc.constant<Header[]>([]),
          }
        : {
            query: fc.oneof({ weight: 15, arbitrary: nothing }, queryOf(rest), rawQuery),
            body: fc.oneof({ weight: 30, arbitrary: jsonBody(rest) }, nothing),
            headers: transfer.map((more) => [json, ...more]),
          }),
    });
  });
  return assemble(parts);
}

type Pack = readonly [name: string, (bytes: Buffer) => Buffer];
const packs: readonly Pack[] = [
  ["gzip", (bytes) => gzipSync(bytes)],
  ["br", (bytes) => brotliCompressSync(bytes)],
  ["gzip", (bytes) => bytes],
  ["gzip", (bytes) => gzipSync(bytes).subarray(0, -3)],
];
const packing = fc.oneof({ weight: 10, arbitrary: fc.constant(undefined) }, fc.constantFrom(...packs));

/** Requests to a method by Connect: posted as JSON or in binary, or in a query. */
export function connectRequest({ name, method, fields, right }: Shape): fc.Arbitrary<RawRequest> {
  const path = rpcPath(name);
  const jsonMessage = jsonBody(changed(right, fields));
  const binary = binaryMessage(method.input, right);
  const post = (content: fc.Arbitrary<Buffer>, type: string) =>
    fc.tuple(content, packing, transfer).map(([bytes, pack, more]): Parts => {
      const headers: Header[] = [["content-type", type], ...more];
      if (pack) headers.push(["content-encoding", pack[0]]);
      return { method: "POST", path, query: undefined, body: pack ? pack[1](bytes) : bytes, headers };
    });
  const get = fc
    .oneof(
      fc.record({ encoding: fc.constantFrom("json", "json", "json", "proto", "x", ""), message: jsonMessage }),
      fc.record({ encoding: fc.constantFrom("proto", "proto", "proto", "json"), message: binary }),
    )
    .chain(({ encoding, message }) => queryOfGet(encoding, message))
    .map((query): Parts => ({ method: "GET", path, query, body: undefined, headers: [] }));
  return assemble(
    fc.oneof(
      { weight: 20, arbitrary: post(jsonMessage, "application/json") },
      { weight: 12, arbitrary: post(binary, "application/proto") },
      // Refused for methods that write.
      { weight: supports("Connect GET", method) ? 12 : 1, arbitrary: get },
    ),
  );
}

/** The query of a Connect GET; its parameters may be missing, come twice or say something else. */
function queryOfGet(encoding: string, message: Buffer): fc.Arbitrary<string> {
  const texts = fc.constantFrom(
    ["1", message.toString("base64url")],
    ["1", message.toString("base64url")],
    ["1", encodeURIComponent(message.toString("base64"))],
    ["1", message.toString("hex")],
    ["0", percentAll(message.toString())],
    ["0", encode(message.toString())],
    ["", message.toString("latin1").replaceAll(/[&#]/g, "")],
    ["x", encode(message.toString())],
  );
  const compression = fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    fc.constantFrom("gzip", "br", "identity", "x"),
  );
  const edits = fc.oneof(
    { weight: 8, arbitrary: fc.constant([]) },
    fc.array(fc.tuple(fc.nat({ max: 4 }), fc.constantFrom(0, 2)), { maxLength: 2 }),
  );
  const version = fc.constantFrom("v1", "v1", "v1", "v1", "v1", "v1", "1", "v2", "");
  return fc.tuple(texts, compression, version, edits).map(([[base64, text], compressed, connect, changes]) => {
    const parameters = [`connect=${connect}`, `encoding=${encoding}`, `base64=${base64}`, `message=${text}`];
    if (compressed !== undefined) parameters.push(`compression=${compressed}`);
    return changes
      .reduce(
        (all, [index, times]) => all.flatMap((part, i) => (i === index ? Array(times).fill(part) : [part])),
        parameters,
      )
      .join("&");
  });
}

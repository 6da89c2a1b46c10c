/** What of an HTTP request is neither its path nor its message. */
import fc from "fast-check";

export type Header = readonly [name: string, value: string];

/** A request as it goes over the wire. What is not ASCII in its target and its headers stands for a byte each. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Header[];
  readonly body: Buffer | undefined;
}

/** Whether the client's own patience may end the call: nothing else excuses an answer that is late. */
export function hasTimeout({ headers }: RawRequest): boolean {
  return headers.some(([name]) => /^(?:connect-timeout-ms|grpc-timeout)$/i.test(name));
}

/** Whether a request has a header of this name, which is in lower case. */
export function hasHeader({ headers }: RawRequest, wanted: string): boolean {
  return headers.some(([name]) => name.toLowerCase() === wanted);
}

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

const oddText = fc.oneof(
  fc.constantFrom(
    "",
    "x",
    "0",
    "*",
    ";",
    ",",
    "=",
    '"',
    "\\",
    "'; DROP TABLE concerts; --",
    "%00",
    "é",
    "x".repeat(2_000),
  ),
  fc.constantFrom(latin1("🎸"), latin1("\u202e"), "\xff\xfe", "null", "NaN", "-1", "1, 2", "<script>", "$(x)", "{{x}}"),
  fc.string({ unit: "grapheme", maxLength: 40 }).map(latin1),
);

const key = "3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c11";
const timeouts = ["0", "1", "50", "30000", "2147483648", "9999999999", "99999999999", "-1", "1.5", "1e3", "1s", "0x10"];
const types = [
  ...[
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/json;",
    "text/plain",
    "json",
  ],
  ...[
    "application/json; charset=utf-16",
    'application/json; charset="utf-8',
    "application/json, text/html",
    "text/html",
  ],
  ...["application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "application/xml"],
  ...["application/connect+json", "application/connect+proto", "application/grpc", "application/grpc+json", "*/*"],
  ...["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text", "application/problem+json"],
];

/** Headers that this service or something before it may act upon, with values that it may know. */
const knownHeaders: Readonly<Record<string, readonly string[]>> = {
  "content-type": types,
  "content-encoding": ["identity", "gzip", "br", "deflate", "zstd", "snappy", "gzip, gzip", "GZIP", "x"],
  accept: ["text/html", "application/json", "application/problem+json", "*/*;q=0", "x"],
  "accept-encoding": ["gzip", "br", "gzip;q=0", "identity;q=0", "*", "zstd", "x"],
  "connect-protocol-version": ["1", "2", "0", "v1", "1.0"],
  "connect-timeout-ms": timeouts,
  "connect-content-encoding": ["gzip", "x"],
  "connect-accept-encoding": ["gzip", "x"],
  "grpc-timeout": ["1S", "0S", "99999999H", "1", "S", "-1S"],
  "grpc-encoding": ["gzip", "x"],
  "x-request-timeout": timeouts,
  "request-timeout": timeouts,
  "idempotency-key": [key, key.toUpperCase(), `"${key}"`, '""', `${key}, ${key}`, "null"],
  "if-match": ["*", '"x"', 'W/"x"', '"1"', "1", "x, y"],
  "if-none-match": ["*", '"x"', 'W/"x"', '"x", "y"', ",", "W/"],
  "if-modified-since": ["Thu, 01 Jan 1970 00:00:00 GMT", "yesterday"],
  "cache-control": ["no-cache", "no-store", "max-age=0", "max-age=-1", "only-if-cached", 'no-cache="x"'],
  range: ["bytes=0-0", "bytes=-1", "bytes=9-1", "x=1"],
  "x-http-method-override": ["DELETE", "PUT", "GET", "TRACE"],
  "x-forwarded-for": ["1.2.3.4", "1.2.3.4, 5.6.7.8", "::1", "unknown", "[::1]:80", "999.9.9.9", ",,,"],
  forwarded: ["for=1.2.3.4", 'for="[::1]:80";proto=https', "for=_x", ";;"],
  "x-forwarded-host": ["evil.test", ""],
  "x-forwarded-proto": ["https", "javascript"],
  host: ["", "x:99999", "[::1]", "[", "é", "x:y", "evil.test", "a_b", "1.2.3.4.5", "xn--", "%", "user@host"],
  origin: ["null", "https://evil.test", "x", "file://"],
  "access-control-request-method": ["PUT", "x", ""],
  "access-control-request-headers": ["x", "*", "authorization,x-y"],
  authorization: ["Bearer x", "Bearer ", "Bearer", "Basic eDp5", "bearer a.b.c", "Negotiate x", "x"],
  cookie: ["a=b", "a=b; a=c", "=;=", "__proto__=1"],
  te: ["trailers", "x"],
  trailer: ["x", "content-length"],
  "accept-language": ["de", "x-klingon", "*;q=2"],
  traceparent: ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-0", "x"],
  "user-agent": ["", "x"],
  upgrade: ["websocket", "h2c", "TLS/1.0"],
  "http2-settings": ["AAMAAABkAARAAAAAAAIAAAAA", "x"],
  ["__proto__"]: ["x"],
  constructor: ["x"],
};

const oddHeader: fc.Arbitrary<Header> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...Object.entries(knownHeaders))
      .chain(([name, values]) => fc.constantFrom(...values).map((value): Header => [name, value])),
  },
  fc.tuple(fc.constantFrom(...Object.keys(knownHeaders)), oddText),
  fc.tuple(
    fc.constantFrom("x-a", "__proto__", "constructor", "x".repeat(500), "!#$%&'*+-.^_`|~", "0", "sec-x"),
    oddText,
  ),
);

const singular = new Set(["host", "content-type"]);

/** The usual headers; now and then with odd ones, in place of those that a request can have only once or beside them. */
export function withOddHeaders(usual: readonly Header[]): fc.Arbitrary<Header[]> {
  const odd = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Header[]>([]) },
    { weight: 2, arbitrary: fc.array(oddHeader, { minLength: 1, maxLength: 4 }) },
  );
  return fc.tuple(odd, fc.boolean()).map(([added, twice]) => {
    const names = new Set(added.map(([name]) => name));
    const kept = usual.filter(([name]) => !names.has(name) || (twice && !singular.has(name)));
    // Two hosts are no valid HTTP.
    const host = added.findLast(([name]) => name === "host") ?? (["host", "frontrow.test"] as const);
    return [host, ...kept, ...added.filter(([name]) => name !== "host")];
  });
}

/** The right method of HTTP, now and then another one. CONNECT is not for servers. */
export function oddMethod(right: string): fc.Arbitrary<string> {
  const others = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "QUERY",
    "LOCK",
    "PURGE",
  ];
  return fc.oneof({ weight: 15, arbitrary: fc.constant(right) }, fc.constantFrom(...others));
}

const maxTargetBytes = 6_000;

/** A target that HTTP can carry: no spaces, no control characters, and not too long. Other tests cover these. */
export function toTarget(text: string): string {
  const bytes = /[^\0-\xff]/.test(text) ? latin1(text) : text;
  return bytes.replaceAll(/[\0-\x20\x7f]/g, (char) => encodeURIComponent(char)).slice(0, maxTargetBytes);
}

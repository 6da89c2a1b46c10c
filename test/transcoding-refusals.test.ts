/** The errors of REST for bad input. No bad input is answered with 500. */
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { echoImplementation, loadTranscodingService, send, startRestServer } from "./support/service/transcoding.ts";

let app: FastifyInstance;
let baseUrl: string;

beforeAll(async () => {
  const service = await loadTranscodingService();
  ({ app, baseUrl } = await startRestServer({
    services: [{ service, implementation: echoImplementation(service) }],
    maxBodyBytes: 4000,
  }));
});
afterAll(() => app?.close());

const wholeNumber = "must be a whole number";
const color = "must be one of COLOR_UNSPECIFIED, COLOR_RED, COLOR_BLUE";
const time = "must be a time as RFC 3339 writes it, such as 2030-06-01T20:00:00Z";
const put = (body: string) => `PUT /v1/everything/1 ${body}`;
const patch = (body: string) => `PATCH /v1/shelves/5 ${body}`;

describe("one error", () => {
  test.each<[string, string, string, string]>([
    ["a path variable of the wrong type", "GET /v1/query/x", "id", wholeNumber],
    ["one that is no decimal number", "GET /v1/query/0x10", "id", wholeNumber],
    [
      "one out of range",
      "GET /v1/query/9223372036854775808",
      "id",
      "must be between -9223372036854775808 and 9223372036854775807",
    ],
    ["an unknown enum name in the path", "GET /v1/colors/GREEN/flags/true", "color", color],
    ["a bool that is a number", "GET /v1/colors/1/flags/1", "flag", "must be true or false"],
    ["U+0000 in the path", "GET /v1/texts/a%00b/query", "text", "must not contain the character U+0000"],

    ["an unknown parameter", "GET /v1/query?nothing=1", "nothing", "unknown field"],
    ["an unknown nested one", "GET /v1/query?shelf.nothing=1", "shelf.nothing", "unknown field"],
    ["one below a scalar", "GET /v1/query?text.x=1", "text.x", "unknown field"],
    ["one inside a timestamp", "GET /v1/query?start_time.seconds=1", "start_time.seconds", "unknown field"],
    ["a parameter without a name", "GET /v1/query?=1", "", "unknown field"],
    ["__proto__", "GET /v1/query?__proto__=1", "__proto__", "unknown field"],
    ["constructor.prototype", "GET /v1/query?constructor.prototype=1", "constructor.prototype", "unknown field"],
    ["a parameter twice", "GET /v1/query?text=a&text=a", "text", "given more than once"],
    ["twice in two spellings", "GET /v1/query?requestID=a&request_id=a", "request_id", "given more than once"],
    ["a number without a value", "GET /v1/query?count", "count", wholeNumber],
    ["a bool without a value", "GET /v1/query?flag", "flag", "must be true or false"],
    ["an enum without a value", "GET /v1/query?color", "color", color],
    ["a timestamp without a value", "GET /v1/query?start_time", "start_time", time],
    ["a day that is none", "GET /v1/query?start_time=2030-02-30T00:00:00Z", "start_time", time],
    ["a time without a zone", "GET /v1/query?start_time=2030-02-20T00:00:00", "start_time", time],
    ["a wrong item", "GET /v1/query?numbers=1&numbers=x", "numbers[1]", wholeNumber],
    ["a fraction", "GET /v1/query?count=1.5", "count", wholeNumber],
    ["too much for 32 bits", "GET /v1/query?count=2147483648", "count", "must be between -2147483648 and 2147483647"],
    ["a negative unsigned number", "GET /v1/query?big=-1", "big", "must be between 0 and 18446744073709551615"],
    ["a float too large", "GET /v1/query?weight=1e39", "weight", "is out of range"],
    ["a double too large", "GET /v1/query?ratio=1e400", "ratio", "is out of range"],
    [
      "a duration without its unit",
      "GET /v1/query?max_age=5",
      "max_age",
      "must be a number of seconds followed by s, such as 1.5s",
    ],
    ["a wrong wrapper", "GET /v1/query?limit=x", "limit", wholeNumber],
    [
      "a wrong field mask",
      "GET /v1/query?update_mask=a,,b",
      "update_mask",
      "must be names of fields separated by commas",
    ],
    ["bytes that are not base64", "GET /v1/query?data=!", "data", "must be base64"],
    ["a map in the query", "GET /v1/query?scores=1", "scores", "a map cannot be sent in the query"],
    [
      "a message in one value",
      "GET /v1/query?shelf=x",
      "shelf",
      "cannot be sent as one value; send its fields, as in shelf.name",
    ],
    [
      "a list of messages in the query",
      "GET /v1/query?shelves=x",
      "shelves",
      "a list of messages cannot be sent in the query",
    ],
    ["both members of a oneof", "GET /v1/query?left=a&right=1", "right", "must not be given together with left"],
    ["a parameter against the path", "GET /v1/query/5?id=6", "id", "differs from the one in the path"],
    [
      "a query beside a whole body",
      "PUT /v1/everything/1?text=x {}",
      "text",
      "must be sent in the body, not in the query",
    ],
    ["an unknown one beside it", "PUT /v1/everything/1?nothing=x {}", "nothing", "unknown field"],
    [
      "the body's field in the query",
      "PATCH /v1/shelves/5?shelf.theme_color=x {}",
      "shelf.theme_color",
      "must be sent in the body, not in the query",
    ],

    ["an unknown key", put('{"nothing":1}'), "nothing", "unknown field"],
    ["an unknown nested key", put('{"shelf":{"nothing":1}}'), "shelf.nothing", "unknown field"],
    ["__proto__ as a key", put('{"__proto__":{"text":"x"}}'), "__proto__", "unknown field"],
    ["a nested __proto__", put('{"shelf":{"__proto__":{"name":"x"}}}'), "shelf.__proto__", "unknown field"],
    ["a key twice", put('{"text":"a","text":"a"}'), "text", "given more than once"],
    ["a key in two spellings", put('{"request_id":"a","requestID":"a"}'), "requestID", "given more than once"],
    [
      "a nested key in two spellings",
      put('{"shelf":{"theme_color":"a","themeColor":"a"}}'),
      "shelf.theme_color",
      "given more than once",
    ],
    ["an unknown key of a body that is a field", patch('{"nothing":1}'), "shelf.nothing", "unknown field"],
    ["a key of one twice", patch('{"name":"a","name":"a"}'), "shelf.name", "given more than once"],
    ["a key of one in two spellings", patch('{"name":"a","NAME":"a"}'), "shelf.NAME", "given more than once"],
    ["a wrong value in one", patch('{"theme_color":1}'), "shelf.theme_color", "must be a string"],
    ["a key twice in a body that is a list", 'PUT /v1/tags/1 [{"a":1,"a":1}]', "tags[0].a", "given more than once"],
    ["a body against the path", put('{"id":2}'), "id", "differs from the one in the path"],
    [
      "nested, against the path",
      'POST /v1/shelves/5:archive {"shelf":{"name":"x"}}',
      "shelf.name",
      "differs from the one in the path",
    ],
    ["no object to hold the path's value", 'POST /v1/shelves/5:archive {"shelf":"x"}', "shelf", "must be an object"],
    ["an unsafe number", put('{"big":9007199254740993}'), "big", "is too large for a JSON number; send it as a string"],
    ["a number for a string", put('{"text":1}'), "text", "must be a string"],
    ["a string for a bool", put('{"flag":"true"}'), "flag", "must be true or false"],
    ["an object for a number", put('{"count":{}}'), "count", wholeNumber],
    ["a string for a list", put('{"tags":"a"}'), "tags", "must be a list"],
    ["null in a list", put('{"tags":["a",null]}'), "tags[1]", "must be a string"],
    ["null in a list of messages", put('{"shelves":[null]}'), "shelves[0]", "must not be null"],
    ["a list for a map", put('{"scores":[]}'), "scores", "must be an object"],
    ["a wrong value in a map", put('{"scores":{"a":"x"}}'), 'scores["a"]', wholeNumber],
    ["a wrong key in a map", put('{"answers":{"maybe":"x"}}'), 'answers["maybe"]', "its key must be true or false"],
    ["half a surrogate pair", put('{"text":"\\ud800"}'), "text", "must be valid Unicode; it has half a surrogate pair"],
    [
      "half of one in free JSON",
      put('{"extra":{"\\ud800":1}}'),
      "extra",
      "must be valid Unicode; it has half a surrogate pair",
    ],
    [
      "U+0000 in a nested list",
      put('{"inner":{"tags":["\\u0000"]}}'),
      "inner.tags[0]",
      "must not contain the character U+0000",
    ],
    ["a body where none is wanted", "DELETE /v1/rooms/1/shelves/2 {}", "", "this method takes no request body"],
    ["a list for an object", put("[]"), "", "the body must be a JSON object"],
    ["null for an object", put("null"), "", "the body must be a JSON object"],
    ["a string for a message field", 'PATCH /v1/shelves/5 "x"', "", "the body must be a JSON object"],
    ["malformed JSON", put('{"text":'), "", "the body is not valid JSON"],
    ["a query in broken encoding", "GET /v1/query?text=%zz", "", "the query is not percent-encoded UTF-8"],
    ["a query in another encoding", "GET /v1/query?text=%ff", "", "the query is not percent-encoded UTF-8"],
  ])("%s: %s", async (_name, line, field, message) => {
    const response = await send(baseUrl, line);
    expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        type: "urn:frontrow:problem:invalid-request",
        title: "Invalid request",
        status: 400,
        detail: field === "" && message !== "unknown field" ? message : expect.stringContaining(message),
        code: "INVALID_ARGUMENT",
        reason: "INVALID_REQUEST",
        metadata: {},
        violations: [{ field, message }],
      },
    ]);
  });
});

test.each([
  ["GET /v1/query/x?nothing=1&count=a&flag=b", "nothing", "unknown field"],
  ["GET /v1/query/x?count=a&flag=b", "count", wholeNumber],
  [put('{"count":"a","nothing":1}'), "nothing", "unknown field"],
  [put('{"shelves":[{"name":1},{"nothing":1}],"count":"a"}'), "shelves[0].name", "must be a string"],
])("of several errors one is named: %s", async (line, field, message) => {
  const response = await send(baseUrl, line);
  expect(await response.json()).toMatchObject({ detail: `${field}: ${message}`, violations: [{ field, message }] });
});

test("messages nested too deeply are refused", async () => {
  const deep = `${'{"inner":'.repeat(100)}{}${"}".repeat(100)}`;
  const response = await send(baseUrl, put(deep));
  expect(await response.json()).toMatchObject({ status: 400, violations: [{ message: "is nested too deeply" }] });
  const free = await send(baseUrl, put(`{"anything":${"[".repeat(200)}${"]".repeat(200)}}`));
  expect(await free.json()).toMatchObject({ status: 400, violations: [{ field: "anything" }] });
});

describe("what HTTP itself refuses", () => {
  const text = { "content-type": "text/plain" };
  test.each<[string, string, Record<string, string>, number, string]>([
    ["an unknown path", "GET /v1/nothing", {}, 404, "ROUTE_NOT_FOUND"],
    ["a path with a slash too many", "GET /v1/query/", {}, 404, "ROUTE_NOT_FOUND"],
    ["a path in other letters", "GET /V1/query", {}, 404, "ROUTE_NOT_FOUND"],
    ["an unknown path with a body of any type", "POST /v1/nothing x", text, 404, "ROUTE_NOT_FOUND"],
    ["another method", "POST /v1/query {}", {}, 405, "METHOD_NOT_ALLOWED"],
    ["a path in broken encoding", "GET /v1/query/%zz", {}, 400, "INVALID_REQUEST"],
    ["a path in another encoding", "GET /v1/query/%ff", {}, 400, "INVALID_REQUEST"],
    ["another content type", "PUT /v1/everything/1 {}", text, 415, "UNSUPPORTED_MEDIA_TYPE"],
    [
      "a form",
      "PUT /v1/everything/1 a=b",
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    ["a type that is none", "PUT /v1/everything/1 {}", { "content-type": "json" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    [
      "another JSON type",
      "PUT /v1/everything/1 {}",
      { "content-type": "application/vnd.x+json" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "another charset",
      "PUT /v1/everything/1 {}",
      { "content-type": "application/json; charset=latin1" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    ["a compressed body", "PUT /v1/everything/1 {}", { "content-encoding": "gzip" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["too large a body", `PUT /v1/everything/1 {"text":"${"x".repeat(4000)}"}`, {}, 413, "REQUEST_TOO_LARGE"],
  ])("%s: %s", async (_name, line, headers, status, reason) => {
    const response = await send(baseUrl, line, headers);
    expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ status, reason })]);
  });

  test.each([
    ["POST /v1/query", "GET, HEAD"],
    ["DELETE /v1/rooms/1/shelves", "POST"],
    ["PUT /v1/shelves/5:archive", "POST"],
    ["PUT /v1/shelves/5", "GET, HEAD, PATCH"],
  ])("405 lists the allowed methods: %s", async (line, allow) => {
    const response = await send(baseUrl, line);
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
  });

  test.each([
    "application/json",
    "Application/JSON; charset=UTF-8",
    'application/json;charset="utf-8"',
    "application/json; version=1",
  ])("takes %s", async (contentType) => {
    const response = await send(baseUrl, 'PUT /v1/everything/1 {"text":"é"}', { "content-type": contentType });
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ text: "é" })]);
  });
});

test("no bad input is answered with a 500", async () => {
  const keys = ["text", "id", "count", "shelf", "tags", "scores", "start_time", "extra", "limit", "__proto__", "inner"];
  const body = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }));
  const query = fc.array(fc.tuple(fc.constantFrom(...keys, "shelf.name", "a.b"), fc.string({ unit: "binary" })));
  await fc.assert(
    fc.asyncProperty(body, query, async (object, pairs) => {
      const search = pairs.map(([key, value]) => `${key}=${encodeURIComponent(value.toWellFormed())}`).join("&");
      const answers = [
        await send(baseUrl, put(JSON.stringify(object).slice(0, 900))),
        await send(baseUrl, `GET /v1/query?${search.slice(0, 2000)}`),
      ];
      for (const answer of answers) expect([200, 400]).toContain(answer.status);
    }),
    { seed: 1, numRuns: 100, endOnFailure: true },
  );
});

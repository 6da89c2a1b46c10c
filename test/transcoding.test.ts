/** The rules of google/api/http.proto, case by case, on the test-only schema in test/proto. */
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ignoreEvents } from "../src/domain/publish.ts";
import { fillRequestId } from "../src/rpc/interceptors/idempotency-key.ts";
import { createUnaryCallInterceptor } from "../src/rpc/interceptors/unary-calls.ts";
import { createValidationInterceptor } from "../src/rpc/interceptors/validation.ts";
import { echoImplementation, loadTranscodingService, send, startRestServer } from "./support/service/transcoding.ts";

let app: FastifyInstance;
let baseUrl: string;
/** The response to a request with every field unset. */
let unset: Record<string, unknown>;

beforeAll(async () => {
  const service = await loadTranscodingService();
  ({ app, baseUrl } = await startRestServer({
    services: [{ service, implementation: echoImplementation(service) }],
    interceptors: [
      fillRequestId,
      createUnaryCallInterceptor(ignoreEvents, 30_000),
      createValidationInterceptor([service]),
    ],
  }));
  unset = (await (await send(baseUrl, "GET /v1/query")).json()) as Record<string, unknown>;
});
afterAll(() => app?.close());

const shelf = (fields: object) => ({ name: "", theme_color: "", shelf_size: "0", shelved_by: "", ...fields });

test("fields without presence are answered at their default, in snake_case", () => {
  expect(unset).toEqual({
    id: "0",
    text: "",
    flag: false,
    color: "COLOR_UNSPECIFIED",
    ratio: 0,
    weight: 0,
    count: 0,
    size: 0,
    big: "0",
    data: "",
    tags: [],
    numbers: [],
    colors: [],
    times: [],
    scores: {},
    shelves: [],
    request_id: "",
    answers: {},
  });
});

describe("is understood", () => {
  test.each<[string, string, object]>([
    // Path variables.
    ["a variable", "GET /v1/query/5", { id: "5" }],
    ["the largest int64", "GET /v1/query/9223372036854775807", { id: "9223372036854775807" }],
    ["a negative one", "GET /v1/query/-7", { id: "-7" }],
    ["an encoded segment", "GET /v1/texts/a%2Fb%20%C3%A9%3Fc+d/query", { text: "a/b é?c+d" }],
    ["an enum by name, a bool", "GET /v1/colors/COLOR_RED/flags/true", { color: "COLOR_RED", flag: true }],
    ["an enum by number", "GET /v1/colors/2/flags/false", { color: "COLOR_BLUE" }],
    ["an encoded literal", "GET /v1/%71uery/5", { id: "5" }],
    ["a nested variable with a pattern", "GET /v1/shelves/5", { shelf: shelf({ name: "shelves/5" }) }],
    ["an encoded slash in it", "GET /v1/shelves/a%2Fb%20c", { shelf: shelf({ name: "shelves/a%2Fb c" }) }],
    ["**", "GET /v1/named/shelves/1/books/a/b", { shelf: shelf({ name: "shelves/1/books/a/b" }) }],
    ["** of nothing", "GET /v1/named/shelves/1/books", { shelf: shelf({ name: "shelves/1/books" }) }],
    ["a variable that is **", "GET /v1/files/a%20b//c.txt", { text: "a b//c.txt" }],
    ["and is empty", "GET /v1/files", {}],
    ["a verb after **", "GET /v1/files/a/b:stat", { text: "a/b" }],
    ["a colon that is no verb", "GET /v1/files/a:b", { text: "a:b" }],
    ["wildcards outside variables", "GET /v1/any/x/tail/y/z", {}],
    ["a literal in other letters than ASCII", "GET /v1/files/caf%c3%a9", {}],
    ["an additional binding", "GET /v1/texts/x/query?id=1", { text: "x", id: "1" }],

    // Query parameters.
    ["a string", "GET /v1/query?text=a+b%2Bc%26%3D", { text: "a b+c&=" }],
    ["an equals sign in the value", "GET /v1/query?text=a=b", { text: "a=b" }],
    ["an empty string", "GET /v1/query?text=&&", {}],
    ["a string without an equals sign", "GET /v1/query?text", {}],
    ["repeated keys", "GET /v1/query?tags=a&numbers=1&tags=b&numbers=-2", { tags: ["a", "b"], numbers: ["1", "-2"] }],
    ["repeated keys in two spellings", "GET /v1/query?TAGS=a&tags=b", { tags: ["a", "b"] }],
    ["repeated enums", "GET /v1/query?colors=COLOR_RED&colors=2", { colors: ["COLOR_RED", "COLOR_BLUE"] }],
    ["an enum number of later", "GET /v1/query?color=9", { color: 9 }],
    [
      "nested fields",
      "GET /v1/query?shelf.name=x&shelf.owner.full_name=y",
      {
        shelf: shelf({ name: "x", owner: { full_name: "y", pet_names: [] } }),
      },
    ],
    [
      "nested repeated fields",
      "GET /v1/query?shelf.owner.pet_names=a&shelf.owner.petNames=b",
      {
        shelf: shelf({ owner: { full_name: "", pet_names: ["a", "b"] } }),
      },
    ],
    [
      "keys in any case",
      "GET /v1/query?Shelf.themeColor=x&SHELF.SHELFSIZE=4&REQUEST_ID=r",
      {
        shelf: shelf({ theme_color: "x", shelf_size: "4" }),
        request_id: "r",
      },
    ],
    ["an encoded key", "GET /v1/query?shelf%2Ename=x", { shelf: shelf({ name: "x" }) }],
    [
      "numbers",
      "GET /v1/query?ratio=-1.5e3&weight=0.5&count=-2147483648&size=4294967295&big=18446744073709551615",
      {
        ratio: -1500,
        weight: 0.5,
        count: -2147483648,
        size: 4294967295,
        big: "18446744073709551615",
      },
    ],
    ["NaN and Infinity", "GET /v1/query?ratio=NaN&weight=-Infinity", { ratio: "NaN", weight: "-Infinity" }],
    ["a bool", "GET /v1/query?flag=true", { flag: true }],
    ["bytes", "GET /v1/query?data=-_8", { data: "+/8=" }],
    [
      "a timestamp",
      "GET /v1/query?start_time=2030-06-01T20:00:00.5%2B02:00",
      { start_time: "2030-06-01T18:00:00.500Z" },
    ],
    [
      "repeated timestamps",
      "GET /v1/query?times=2030-01-01T00:00:00Z&times=2031-01-01T00:00:00Z",
      {
        times: ["2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"],
      },
    ],
    ["a duration", "GET /v1/query?max_age=-1.5s", { max_age: "-1.500s" }],
    [
      "a field mask",
      "GET /v1/query?update_mask=theme_color,shelf.shelfSize",
      { update_mask: "themeColor,shelf.shelfSize" },
    ],
    ["wrappers", "GET /v1/query?limit=0&note=&strict=false", { limit: "0", note: "", strict: false }],
    ["an optional field at its default", "GET /v1/query?maybe=0", { maybe: 0 }],
    ["a member of a oneof", "GET /v1/query?right=0", { right: 0 }],
    ["a parameter that says what the path says", "GET /v1/query/5?id=5&count=1", { id: "5", count: 1 }],
    ["and says it otherwise", "GET /v1/colors/COLOR_RED/flags/true?color=1", { color: "COLOR_RED", flag: true }],

    // Bodies.
    [
      "the whole body",
      'PUT /v1/everything/5 {"text":"x","scores":{"a":1},"answers":{"true":"y"}}',
      {
        id: "5",
        text: "x",
        scores: { a: 1 },
        answers: { true: "y" },
      },
    ],
    ["no body", "PUT /v1/everything/5", { id: "5" }],
    [
      "top-level keys in any case",
      'PUT /v1/everything/5 {"TEXT":"x","startTime":"2030-01-01T00:00:00Z"}',
      {
        id: "5",
        text: "x",
        start_time: "2030-01-01T00:00:00Z",
      },
    ],
    ["null, as if left out", 'PUT /v1/everything/5 {"text":null,"id":null,"shelf":null,"tags":null}', { id: "5" }],
    ["what the path says, once more", 'PUT /v1/everything/5 {"id":"05"}', { id: "5" }],
    [
      "lists and nested messages",
      'PUT /v1/everything/1 {"shelves":[{"name":"a"},{"shelfSize":2}],"inner":{"tags":["x"]}}',
      {
        id: "1",
        shelves: [shelf({ name: "a" }), shelf({ shelf_size: "2" })],
        inner: expect.objectContaining({ tags: ["x"] }),
      },
    ],
    [
      "numbers as strings",
      'PUT /v1/everything/1 {"count":"7","big":"1","ratio":"1e2","numbers":[1,"2"]}',
      {
        id: "1",
        count: 7,
        big: "1",
        ratio: 100,
        numbers: ["1", "2"],
      },
    ],
    [
      "whole numbers however written",
      'PUT /v1/everything/1 {"count":1e2,"numbers":[1.0,9007199254740991]}',
      {
        id: "1",
        count: 100,
        numbers: ["1", "9007199254740991"],
      },
    ],
    [
      "free JSON",
      'PUT /v1/everything/1 {"extra":{"a":[null,{"b":1.5}]},"anything":null}',
      {
        id: "1",
        extra: { a: [null, { b: 1.5 }] },
        anything: null,
      },
    ],
    [
      "a field as the body",
      'PATCH /v1/shelves/5?count=3 {"theme_color":"red"}',
      {
        shelf: shelf({ name: "shelves/5", theme_color: "red" }),
        count: 3,
      },
    ],
    [
      "its keys in any case",
      'PATCH /v1/shelves/5 {"THEMECOLOR":"red"}',
      {
        shelf: shelf({ name: "shelves/5", theme_color: "red" }),
      },
    ],
    [
      "what the server alone sets, sent back",
      'PATCH /v1/shelves/5 {"theme_color":"red","shelved_by":"nora","shelvedBy":7}',
      {
        shelf: shelf({ name: "shelves/5", theme_color: "red" }),
      },
    ],
    ["a field as the body, left out", "PATCH /v1/shelves/5", { shelf: shelf({ name: "shelves/5" }) }],
    [
      "a verb with a body",
      'POST /v1/shelves/5:archive {"shelf":{"themeColor":"red"},"text":"x"}',
      {
        shelf: shelf({ name: "shelves/5", theme_color: "red" }),
        text: "x",
      },
    ],
    ["a custom method", 'REPORT /v1/search {"text":"x"}', { text: "x" }],
    ["any method", "DELETE /v1/probe/x?count=1", { text: "x", count: 1 }],
  ])("%s: %s", async (_name, line, expected) => {
    const response = await send(baseUrl, line);
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).not.toHaveProperty("violations");
    expect(body).toEqual({ ...unset, ...expected });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  });
});

describe("response_body answers one field", () => {
  test.each<[string, unknown]>([
    ['PUT /v1/tags/5 ["a","b"]', ["a", "b"]],
    ["PUT /v1/tags/5", []],
    ['PUT /v1/start/5 "2030-01-01T00:00:00Z"', "2030-01-01T00:00:00Z"],
    ["PUT /v1/start/5 null", null],
  ])("%s", async (line, expected) => {
    const response = await send(baseUrl, line);
    expect([response.status, await response.json()]).toEqual([200, expected]);
  });
});

describe("a creation answers 201 with the URL of what it made", () => {
  test.each([
    ['POST /v1/rooms/a%2Fb/shelves {"name":"x y/z"}', "/v1/rooms/a%2Fb/shelves/x%20y%2Fz"],
    ['POST /v1/rooms/1/shelves?request_id=r {"name":"é"}', "/v1/rooms/1/shelves/%C3%A9"],
  ])("%s", async (line, location) => {
    const response = await send(baseUrl, line);
    expect([response.status, response.headers.get("location")]).toEqual([201, location]);
    const { name } = (await response.json()) as { name: string };
    const created = await send(baseUrl, `GET ${location}`);
    expect([created.status, await created.json()]).toEqual([200, shelf({ name })]);
  });
});

test("an empty message is answered as an empty object", async () => {
  const response = await send(baseUrl, "DELETE /v1/rooms/1/shelves/2");
  expect([response.status, await response.json()]).toEqual([200, {}]);
});

describe("Idempotency-Key sets request_id", () => {
  test.each<[string, string, Record<string, unknown>]>([
    ["PUT /v1/everything/5", "k1", { request_id: "k1" }],
    ["PUT /v1/everything/5", '"k1"', { request_id: "k1" }],
    ['PUT /v1/everything/5 {"requestId":"k1"}', "k1", { request_id: "k1" }],
    ['PUT /v1/everything/5 {"request_id":""}', "k1", { request_id: "k1" }],
    ["GET /v1/query?REQUESTID=k1", '"k1"', { request_id: "k1" }],
  ])("%s with %s", async (line, key, expected) => {
    const response = await send(baseUrl, line, { "idempotency-key": key });
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining(expected)]);
  });

  test.each([
    ['PUT /v1/everything/5 {"request_id":"k2"}', "k1", "differs from the one in the header Idempotency-Key"],
    ["PUT /v1/everything/5", '""', "the header Idempotency-Key is empty"],
    ["PUT /v1/everything/5", "", "the header Idempotency-Key is empty"],
  ])("not %s with %s", async (line, key, message) => {
    const response = await send(baseUrl, line, { "idempotency-key": key });
    expect(await response.json()).toMatchObject({ status: 400, violations: [{ field: "request_id", message }] });
  });

  test("is ignored where a request has none", async () => {
    const response = await send(baseUrl, "GET /v1/rooms/1/shelves/2", { "idempotency-key": "k1" });
    expect(response.status).toBe(200);
  });
});

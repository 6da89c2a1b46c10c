/** The checks themselves, on a small document that is right and then made wrong in each way that they must find. */
import { expect, test } from "vitest";
import { createDocument } from "../support/openapi/document.ts";
import { faultsOfAnswer } from "../support/openapi/exchange.ts";

const ticket = {
  type: "object",
  properties: { id: { type: "string" }, seat: { $ref: "#/components/schemas/Seat" } },
  required: ["id"],
};
const kind = { anyOf: [{ enum: ["BOX", "STALLS"] }, { type: "string" }] };
const seat = { type: "object", properties: { row: { type: "integer", maximum: 9 }, kind } };
const ok = {
  description: "The ticket.",
  headers: { ETag: { required: true, schema: { type: "string" } }, "RateLimit-Limit": { schema: { type: "integer" } } },
  content: { "application/json": { schema: { $ref: "#/components/schemas/Ticket" } } },
};

const documentOf = ({ response = ok, Ticket = ticket, Seat = seat }: Readonly<Record<string, object>> = {}) =>
  createDocument({
    paths: {
      "/tickets/{id}": { get: { operationId: "GetTicket", responses: { 200: response, 304: { description: "" } } } },
    },
    components: { schemas: { Ticket, Seat } },
  });

const answer = {
  method: "GET",
  target: "/tickets/7?x=1",
  status: 200,
  headers: new Headers({ "content-type": "application/json; charset=utf-8", etag: '"1"', "ratelimit-limit": "10" }),
  body: '{"id":"7","seat":{"row":3}}',
};

test("a value that is described beside those of later versions is no fault", () => {
  expect(faultsOfAnswer(documentOf(), { ...answer, body: '{"id":"7","seat":{"kind":"BOX"}}' })).toEqual([]);
});

test("an answer that fits the document has no faults", () => {
  expect(faultsOfAnswer(documentOf(), answer)).toEqual([]);
});

test.each([
  ["a path", { target: "/tickets/7/seat" }, /^there is no operation for GET \/tickets\/7\/seat$/],
  ["a method", { method: "PUT" }, /^there is no operation for PUT/],
  ["a status", { status: 201 }, /^GetTicket answers 201: the status is not described/],
  ["a type", { headers: new Headers({ ...answer.headers, etag: "x", "content-type": "text/plain" }) }, /text\/plain/],
  ["a key", { body: '{"id":"7","price":1}' }, /the key price is not described/],
  ["a key deeper inside", { body: '{"id":"7","seat":{"number":1}}' }, /the key number is not described/],
  ["a body", { status: 304, headers: new Headers() }, /a body is not described/],
])("%s that is not described is a fault", (_, changes, fault) => {
  const faults = faultsOfAnswer(documentOf(), { ...answer, ...changes });
  expect(faults).toEqual([expect.stringMatching(fault)]);
});

test.each([
  ["a value breaks its schema", { body: '{"id":7}' }, /\/id must be string/],
  ["a value breaks a schema that is referred to", { body: '{"id":"7","seat":{"row":10}}' }, /\/seat\/row must be <= 9/],
  [
    "a value is one of later versions",
    { body: '{"id":"7","seat":{"kind":"LAWN"}}' },
    /\/seat\/kind must be equal to one/,
  ],
  ["a key is missing", { body: "{}" }, /required property 'id'/],
])("it is a fault if %s", (_, changes, fault) => {
  expect(faultsOfAnswer(documentOf(), { ...answer, ...changes })).toContainEqual(expect.stringMatching(fault));
});

test.each([
  [
    "sent and not described",
    { response: { ...ok, headers: { ETag: ok.headers.ETag } } },
    /ratelimit-limit is not desc/,
  ],
  [
    "described as required and not sent",
    { response: { ...ok, headers: { ...ok.headers, Location: { required: true, schema: {} } } } },
    /Location is missing/,
  ],
  [
    "not as its schema says",
    { response: { ...ok, headers: { ...ok.headers, "RateLimit-Limit": { schema: { type: "integer", maximum: 9 } } } } },
    /RateLimit-Limit: "10": \/ must be <= 9/,
  ],
])("a header that is %s is a fault", (_, changes, fault) => {
  expect(faultsOfAnswer(documentOf(changes), answer)).toEqual([expect.stringMatching(fault)]);
});

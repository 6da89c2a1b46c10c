import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type CollectedDocument, createCollection } from "./collection.ts";

const file = join(import.meta.dirname, "..", "..", "..", "gen", "openapi", "openapi.json");
const document: CollectedDocument = JSON.parse(readFileSync(file, "utf8"));
const withPaths = (paths: CollectedDocument["paths"]) => ({ ...document, paths: { ...document.paths, ...paths } });

test("a request has a new key for its repeats, variables in place of ids, and the document's other examples", () => {
  const collection = createCollection(document);
  const body = { concert_id: "{{concert_id}}", user_id: "{{user_id}}", ticket_count: 2 };
  expect(collection).toHaveProperty("item.1.item.0.request", {
    method: "POST",
    description: expect.stringMatching(/^Books tickets for a concert/),
    header: [
      { key: "Content-Type", value: "application/json" },
      { key: "Idempotency-Key", value: "{{$guid}}", description: expect.stringMatching(/^The `request_id`/) },
    ],
    body: { mode: "raw", raw: JSON.stringify(body, undefined, 2), options: { raw: { language: "json" } } },
    url: {
      raw: "{{base_url}}/api/v1/bookings",
      host: ["{{base_url}}"],
      path: ["api", "v1", "bookings"],
      variable: [],
    },
  });
});

test("what a request does not need is disabled", () => {
  const description = expect.any(String);
  expect(createCollection(document)).toHaveProperty("item.1.item.2.request.url", {
    raw: "{{base_url}}/api/v1/bookings?user_id={{user_id}}",
    host: ["{{base_url}}"],
    path: ["api", "v1", "bookings"],
    query: [
      { key: "user_id", value: "{{user_id}}", description },
      { key: "page_size", value: "20", description, disabled: true },
      { key: "page_token", value: "", description, disabled: true },
      { key: "statuses", value: "", description, disabled: true },
    ],
    variable: [],
  });
});

test("an operation of REST that has no request in the collection is an error", () => {
  const get = document.paths["/api/v1/concerts"]?.get;
  if (!get) throw new Error("the document has no GET /api/v1/concerts");
  const paths = { "/api/v1/venues": { get: { ...get, operationId: "ListVenues" } } };
  expect(() => createCollection(withPaths(paths))).toThrow("steps.ts has no request for ListVenues");
});

test("a request whose operation the document does not have is an error", () => {
  expect(() => createCollection(withPaths({ "/api/v1/holds": {} }))).toThrow("has no operation HoldTickets");
});

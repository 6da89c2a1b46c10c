/** A concert as GET gives it, edited, is what PUT and POST take: what the server alone sets is ignored (AIP-203). */
import { getOption } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConcertSchema } from "../gen/frontrow/v1/concert_pb.ts";
import { FieldBehavior, field_behavior } from "../gen/google/api/field_behavior_pb.ts";
import { jsonType, sendHttp } from "./support/bad-input.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { createStage, type Stage } from "./support/stage.ts";

type Json = Record<string, unknown>;

let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService();
  stage = createStage(service.baseUrl);
});
afterAll(() => service?.close());

async function call(method: string, path: string, body?: Json): Promise<{ status: number; body: Json }> {
  const answer = await sendHttp(service.baseUrl, {
    ...{ method, path: `/api/v1${path}`, headers: { ...jsonType, "cache-control": "no-cache" } },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: JSON.parse(answer.text) };
}

/** A concert of which two tickets are sold, as GET gives it. */
async function readConcert() {
  const concert = await stage.concert();
  await stage.booking(concert);
  const path = `/concerts/${concert.id}`;
  return { path, concert: (await call("GET", path)).body };
}

test("the server alone sets these fields of a concert", () => {
  const isOutputOnly = (field: (typeof ConcertSchema.fields)[number]) =>
    getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);
  const names = ConcertSchema.fields.filter(isOutputOnly).map(({ name }) => name);
  expect(names).toEqual(["id", "available_tickets", "version", "created_at", "updated_at"]);
});

test("a concert that was read can be edited and put back", async () => {
  const { path, concert } = await readConcert();
  const updated = await call("PUT", path, { ...concert, name: "Daybreak" });
  expect(updated.status).toBe(200);
  expect(updated.body).toEqual({ ...concert, name: "Daybreak", version: 2, updated_at: updated.body.updated_at });
  expect((await call("GET", path)).body).toEqual(updated.body);
});

test("a concert that was read can be edited and created anew", async () => {
  const { concert } = await readConcert();
  const { body: updated } = await call("PUT", `/concerts/${concert.id}`, concert);
  const { status, body: copy } = await call("POST", "/concerts", { ...updated, name: "Daybreak" });
  const { id, created_at, updated_at } = copy;
  expect([status, created_at]).toEqual([201, updated_at]);
  expect(id).not.toBe(concert.id);
  const own = { id, created_at, updated_at, available_tickets: 100, version: 1, name: "Daybreak" };
  expect(copy).toEqual({ ...updated, ...own });
});

describe("what the server alone sets is ignored", () => {
  test.each<Json>([
    { available_tickets: 1 },
    { availableTickets: "many", AVAILABLE_TICKETS: null },
    { created_at: "yesterday", UpdatedAt: { a: [1] } },
  ])("whatever it is: %j", async (values) => {
    const { path, concert } = await readConcert();
    const { available_tickets, created_at } = concert;
    const { status, body } = await call("PUT", path, { ...concert, ...values });
    expect([status, body]).toEqual([200, expect.objectContaining({ available_tickets, created_at, version: 2 })]);
  });
});

describe("still refused is", () => {
  test.each<[what: string, changes: Json, field: string, message: string]>([
    ["an unknown field", { sold_tickets: 2 }, "sold_tickets", "unknown field"],
    ["the id of another concert", { id: "999999" }, "id", "differs from the one in the path"],
    ["a version that is none", { version: "x" }, "version", "must be a whole number"],
  ])("%s", async (_, changes, field, message) => {
    const { path, concert } = await readConcert();
    const { status, body } = await call("PUT", path, { ...concert, ...changes });
    expect([status, body.violations]).toEqual([400, [{ field, message }]]);
  });

  test("a field of a concert in the query, and one of a concert in a booking", async () => {
    const { path, concert } = await readConcert();
    const violations = [{ field: "available_tickets", message: "unknown field" }];
    expect((await call("GET", `${path}?available_tickets=1`)).body).toMatchObject({ violations });
    const order = { concert_id: concert.id, user_id: "nora", ticket_count: 1, available_tickets: 98 };
    expect((await call("POST", "/bookings", order)).body).toMatchObject({ status: 400, violations });
  });

  test("a version that is no longer the concert's", async () => {
    const { path, concert } = await readConcert();
    expect((await call("PUT", path, concert)).status).toBe(200);
    expect(await call("PUT", path, concert)).toMatchObject({ status: 409, body: { reason: "VERSION_MISMATCH" } });
  });
});

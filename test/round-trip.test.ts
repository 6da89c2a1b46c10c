/** The body of a GET, edited, is accepted by PUT and POST: fields that only the server sets are ignored (AIP-203). */
import { type DescField, getOption } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BookingSchema } from "../gen/frontrow/v1/booking_pb.ts";
import { ConcertSchema } from "../gen/frontrow/v1/concert_pb.ts";
import { FieldBehavior, field_behavior } from "../gen/google/api/field_behavior_pb.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, type Stage } from "./support/service/stage.ts";
import { jsonType, sendHttp } from "./support/wire/http.ts";

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

/** The body of a GET of a concert with two tickets sold. */
async function readConcert() {
  const concert = await stage.concert();
  await stage.booking(concert);
  const path = `/concerts/${concert.id}`;
  return { path, concert: (await call("GET", path)).body };
}

describe("only the server sets these fields of", () => {
  const amounts = ["unit_price", "total_price", "currency_code"];
  const hold = ["hold_expires_time", "payment_reference"];
  test.each([
    [ConcertSchema, ["id", "available_tickets", "version", "created_at", "updated_at", "held_tickets"]],
    [BookingSchema, ["id", "booking_time", "status", ...amounts, "created_at", "updated_at", ...hold]],
  ])("%s", (desc, expected) => {
    const isOutputOnly = (field: DescField) => getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);
    expect(desc.fields.filter(isOutputOnly).map(({ name }) => name)).toEqual(expected);
  });
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

test("the response to a booking can be sent again, and a booking that was read can be edited and booked", async () => {
  const { id } = await stage.concert();
  const first = await call("POST", "/bookings", { concert_id: String(id), user_id: "nora", ticket_count: 2 });
  const second = await call("POST", "/bookings", first.body);
  const { body: read } = await call("GET", `/bookings/${second.body.id}`);
  const third = await call("POST", "/bookings", { ...read, ticket_count: 1, total_price: "x", Status: 7 });
  expect([first, second, third].map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(new Set([first.body.id, second.body.id, third.body.id]).size).toBe(3);
  expect(third.body).toMatchObject({ ticket_count: 1, status: "BOOKING_STATUS_CONFIRMED", total_price: 50.25 });
  expect((await call("GET", `/concerts/${id}`)).body).toMatchObject({ available_tickets: 95 });
});

test("a cancellation may have the fields that only the server sets, and no others of the booking", async () => {
  const { id } = await stage.booking(await stage.concert(), { userId: "nora" });
  const { body: booking } = await call("GET", `/bookings/${id}`);
  const { concert_id: _, ticket_count: __, ...rest } = booking;
  const refused = await call("POST", `/bookings/${id}/cancel`, booking);
  expect([refused.status, refused.body.violations]).toEqual([400, [{ field: "concert_id", message: "unknown field" }]]);
  const cancelled = await call("POST", `/bookings/${id}/cancel`, rest);
  expect([cancelled.status, cancelled.body.status]).toEqual([200, "BOOKING_STATUS_CANCELLED"]);
});

describe("a field that only the server sets is ignored", () => {
  test.each<Json>([
    { available_tickets: 1 },
    { availableTickets: "many", AVAILABLE_TICKETS: null },
    { created_at: "yesterday", UpdatedAt: { a: [1] } },
  ])("with any value: %j", async (values) => {
    const { path, concert } = await readConcert();
    const { available_tickets, created_at } = concert;
    const { status, body } = await call("PUT", path, { ...concert, ...values });
    expect([status, body]).toEqual([200, expect.objectContaining({ available_tickets, created_at, version: 2 })]);
  });
});

describe("rejected as before is", () => {
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

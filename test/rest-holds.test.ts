/** Holds over REST: paths, what is created, lists in queries, headers, and keys of bodies. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Concert } from "../gen/frontrow/v1/concert_pb.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, type Stage, userId } from "./support/service/stage.ts";
import { expectProblem } from "./support/wire/errors.ts";
import { jsonType, sendHttp } from "./support/wire/http.ts";

let service: TestService;
let stage: Stage;
let concert: Concert;

beforeAll(async () => {
  service = await startTestService({ APP_MAX_HOLDS_PER_USER: "100" });
  stage = createStage(service.baseUrl);
  concert = await stage.concert();
});
afterAll(async () => {
  await service?.database.checkInvariants();
  await service?.close();
});

function post(path: string, body: object | string, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return sendHttp(service.baseUrl, { method: "POST", path, headers: { ...jsonType, ...headers }, body: text });
}

const get = (path: string) => sendHttp(service.baseUrl, { path });
const order = () => ({ concert_id: String(concert.id), user_id: userId, ticket_count: 2 });
const newHold = async () => String((await stage.hold(concert)).id);

describe("POST /api/v1/holds", () => {
  test("answers 201 with the URL of the booking that it made, again with its key", async () => {
    const key = { "Idempotency-Key": randomUUID() };
    const made = await post("/api/v1/holds", order(), key);
    const { id, status } = JSON.parse(made.text);
    expect([made.status, made.headers.location, status]).toEqual([
      201,
      `/api/v1/bookings/${id}`,
      "BOOKING_STATUS_HELD",
    ]);
    expect(made.headers["idempotency-replayed"]).toBeUndefined();
    const again = await post("/api/v1/holds", { ...order(), ttl: "60s" }, key);
    expect([again.status, again.headers.location]).toEqual([201, `/api/v1/bookings/${id}`]);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect(again.text).toBe(made.text);
    expect(JSON.parse((await get(made.headers.location ?? "")).text)).toEqual(JSON.parse(made.text));
  });

  test("takes a ttl as ProtoJSON writes it", async () => {
    const { hold_expires_time: end, booking_time: begin } = JSON.parse(
      (await post("/api/v1/holds", { ...order(), ttl: "90.5s" })).text,
    );
    const lifetime = Temporal.Instant.from(begin).until(Temporal.Instant.from(end));
    expect(lifetime.total("milliseconds")).toBe(90_500);
  });

  test.each([90, "90", "90 s", "1m30s", "PT90S", { seconds: 90 }, ["90s"]])("refuses the ttl %j", async (ttl) => {
    const { violations } = expectProblem(await post("/api/v1/holds", { ...order(), ttl }), 400, "INVALID_REQUEST");
    expect(violations).toEqual([{ field: "ttl", message: expect.stringContaining("s") }]);
  });

  test.each(["seconds", "ttl_seconds", "accept_late", "held_tickets"])("refuses the unknown key %s", async (key) => {
    const { violations } = expectProblem(
      await post("/api/v1/holds", { ...order(), [key]: "1" }),
      400,
      "INVALID_REQUEST",
    );
    expect(violations).toEqual([{ field: key, message: "unknown field" }]);
  });

  test("is for POST alone", async () => {
    const answer = await get("/api/v1/holds");
    expectProblem(answer, 405, "METHOD_NOT_ALLOWED");
    expect(answer.headers.allow).toBe("POST");
  });
});

describe.each([
  ["confirm", {}, "BOOKING_STATUS_CONFIRMED"],
  ["release", {}, "BOOKING_STATUS_RELEASED"],
  ["extend", { ttl: "1200s" }, "BOOKING_STATUS_HELD"],
] as const)("POST /api/v1/bookings/{id}/%s", (verb, fields, status) => {
  const path = (id: string) => `/api/v1/bookings/${id}/${verb}`;

  test("answers 200 without a Location, and takes the id from the path", async () => {
    const id = await newHold();
    const answer = await post(path(id), { user_id: userId, ...fields });
    expect([answer.status, answer.headers.location]).toEqual([200, undefined]);
    expect(JSON.parse(answer.text)).toMatchObject({ id, status });
  });

  test("refuses unknown keys and a query", async () => {
    const id = await newHold();
    const body = { user_id: userId, ...fields };
    const violationsOf = async (answer: ReturnType<typeof post>) =>
      expectProblem(await answer, 400, "INVALID_REQUEST").violations;
    expect(await violationsOf(post(path(id), { ...body, nothing: 1 }))).toEqual([
      { field: "nothing", message: "unknown field" },
    ]);
    expect(await violationsOf(post(`${path(id)}?user_id=${userId}`, body))).not.toEqual([]);
    expect(JSON.parse((await get(`/api/v1/bookings/${id}`)).text)).toMatchObject({ status: "BOOKING_STATUS_HELD" });
  });

  test("refuses If-Match, which it does not compare", async () => {
    const id = await newHold();
    const answer = await post(path(id), { user_id: userId, ...fields }, { "If-Match": '"1"' });
    expectProblem(answer, 412, "PRECONDITION_FAILED");
    expect(JSON.parse((await get(`/api/v1/bookings/${id}`)).text)).toMatchObject({ status: "BOOKING_STATUS_HELD" });
  });
});

describe.each([
  ["GET /api/v1/bookings", () => `/api/v1/bookings?user_id=${lister}`],
  ["GET /api/v1/concerts/{concert_id}/bookings", () => `/api/v1/concerts/${listed.id}/bookings?`],
])("%s", (_, path) => {
  const idsOf = ({ text }: { text: string }) =>
    (JSON.parse(text).bookings as { status: string }[]).map(({ status }) => status.replace("BOOKING_STATUS_", ""));

  test.each([
    ["one status", "statuses=BOOKING_STATUS_HELD", ["HELD"]],
    ["two statuses", "statuses=BOOKING_STATUS_HELD&statuses=BOOKING_STATUS_CONFIRMED", ["HELD", "CONFIRMED"]],
    ["their numbers", "statuses=3&statuses=1", ["HELD", "CONFIRMED"]],
    ["a status twice", "statuses=3&statuses=BOOKING_STATUS_HELD", ["HELD"]],
    ["a status that no booking has", "statuses=BOOKING_STATUS_RELEASED", []],
  ])("filters by %s", async (_, statuses, expected) => {
    const answer = await get(`${path()}&${statuses}`);
    expect([answer.status, idsOf(answer)]).toEqual([200, expected]);
  });

  test.each([
    ["a name that is none", "statuses=HELD", "statuses[0]"],
    ["a list in one parameter", "statuses=BOOKING_STATUS_HELD,BOOKING_STATUS_CONFIRMED", "statuses[0]"],
    ["the unspecified status", "statuses=3&statuses=BOOKING_STATUS_UNSPECIFIED", "statuses[1]"],
    ["a number that is none", "statuses=6", "statuses[0]"],
    ["brackets", "statuses[]=BOOKING_STATUS_HELD", "statuses[]"],
    ["eleven statuses", new Array(11).fill("statuses=3").join("&"), "statuses"],
    ["one status", "status=BOOKING_STATUS_HELD", "status"],
  ])("refuses %s", async (_, statuses, field) => {
    const { violations } = expectProblem(await get(`${path()}&${statuses}`), 400, "INVALID_REQUEST");
    expect(violations).toEqual([{ field, message: expect.stringMatching(/./) }]);
  });
});

/** A user and a concert with a confirmed booking and a hold. */
const lister = `user-${randomUUID()}`;
let listed: Concert;
beforeAll(async () => {
  listed = await stage.concert();
  await stage.booking(listed, { userId: lister });
  await stage.hold(listed, { userId: lister });
});

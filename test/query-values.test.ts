/** Query values as forms and careless clients send them: empty ones, plus signs, times in all forms of RFC 3339. */
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlightJson } from "./support/service/stage.ts";
import { echoImplementation, loadTranscodingService, send, startRestServer } from "./support/service/transcoding.ts";
import { sendHttp } from "./support/wire/http.ts";

let app: FastifyInstance;
let baseUrl: string;
let unset: Record<string, unknown>;
let service: TestService;

beforeAll(async () => {
  const schema = await loadTranscodingService();
  const services = [{ service: schema, implementation: echoImplementation(schema) }];
  ({ app, baseUrl } = await startRestServer({ services }));
  unset = (await (await send(baseUrl, "GET /v1/query")).json()) as Record<string, unknown>;
  service = await startTestService();
});
afterAll(async () => {
  await app?.close();
  await service?.close();
});

async function echo(line: string): Promise<unknown> {
  const response = await send(baseUrl, line);
  expect([response.status, line]).toEqual([200, line]);
  return await response.json();
}

describe("an empty value in a query", () => {
  test.each([
    ...["id", "flag", "color", "ratio", "weight", "count", "size", "big", "data", "numbers", "colors", "start_time"],
    ...["max_age", "update_mask", "limit", "strict", "times", "maybe", "right", "request_id", "text"],
  ])("of %s leaves the field unset", async (name) => {
    expect(await echo(`GET /v1/query?${name}=`)).toEqual(unset);
  });

  test("of an optional text is an empty text", async () => {
    expect(await echo("GET /v1/query?note=&left=&tags=")).toEqual({ ...unset, note: "", left: "", tags: [""] });
  });

  test("does not contradict the value in the path", async () => {
    expect(await echo("GET /v1/query/5?id=")).toEqual({ ...unset, id: "5" });
  });

  test("of every filter lists all upcoming concerts", async () => {
    const { id } = await createStage(service.baseUrl).concert();
    const filters = ["artist", "venue", "name", "date_from", "date_to", "available_only", "booking_open_only"];
    const query = [...filters, "page_size", "page_token"].map((name) => `${name}=`).join("&");
    const { status, text } = await sendHttp(service.baseUrl, { path: `/api/v1/concerts?${query}` });
    expect([status, JSON.parse(text).concerts]).toEqual([200, [expect.objectContaining({ id: String(id) })]]);
  });

  test("in a body is rejected", async () => {
    const response = await send(baseUrl, 'PUT /v1/everything/1 {"count":""}');
    expect(response.status).toBe(400);
  });
});

describe("a plus sign in a query", () => {
  test.each<[string, object]>([
    ["text=a+b", { text: "a b" }],
    ["text=a%2Bb", { text: "a+b" }],
    ["tags=a+b&note=a+b", { tags: ["a b"], note: "a b" }],
    ["start_time=2030-06-01T20:00:00+02:00", { start_time: "2030-06-01T18:00:00Z" }],
    ["times=2030-06-01T20:00:00%2B02:00", { times: ["2030-06-01T18:00:00Z"] }],
    ["ratio=1e+3", { ratio: 1000 }],
    ["data=+/8=", { data: "+/8=" }],
  ])("means a space in texts only: %s", async (query, expected) => {
    expect(await echo(`GET /v1/query?${query}`)).toEqual({ ...unset, ...expected });
  });

  test.each(["start_time=2030-06-01T20:00:00%2002:00", "count=+1", "count=%201"])("is no excuse: %s", async (query) => {
    expect((await send(baseUrl, `GET /v1/query?${query}`)).status).toBe(400);
  });
});

describe("a plus sign in a user id", () => {
  const list = async (userId: string) => {
    const { status, text } = await sendHttp(service.baseUrl, { path: `/api/v1/bookings?user_id=${userId}` });
    const { bookings, violations } = JSON.parse(text);
    return { status, users: bookings?.map(({ user_id }: { user_id: string }) => user_id), violations };
  };
  const message = "finds nothing, because a plus sign in a query is a space: write %2B for a plus, %20 for a space";
  const refused = { status: 400, violations: [{ field: "user_id", message }] };

  test("finds the user with a space, or is rejected with the way to write a plus, and never finds nothing silently", async () => {
    const stage = createStage(service.baseUrl);
    const concert = await stage.concert();
    await stage.booking(concert, { userId: "bob+tix@x.org" });
    expect(await list("bob+tix@x.org")).toMatchObject(refused);
    expect(await list("bob%2Btix@x.org")).toMatchObject({ status: 200, users: ["bob+tix@x.org"] });
    await stage.booking(concert, { userId: "bob jones" });
    for (const userId of ["bob+jones", "bob%20jones"]) {
      expect(await list(userId)).toMatchObject({ status: 200, users: ["bob jones"] });
    }
    for (const userId of ["no%20one", "no%2Bone", "no+one", "noone"]) {
      expect(await list(userId)).toMatchObject({ status: 200, users: [] });
    }
  });

  test("is handled in the user id only, in every spelling of the parameter", async () => {
    const stage = createStage(service.baseUrl);
    await stage.booking(await stage.concert(), { userId: "a+b" });
    const path = "/api/v1/bookings?USERID=a+b&page_size=1";
    expect((await sendHttp(service.baseUrl, { path })).status).toBe(400);
    for (const query of ["concerts?artist=no+one", "bookings?user_id=noone&page_token=", "bookings?user%5Fid=x&&"]) {
      expect((await sendHttp(service.baseUrl, { path: `/api/v1/${query}` })).status).toBe(200);
    }
  });
});

describe("a time", () => {
  test.each([
    ["2030-06-01t20:00:00z", "2030-06-01T20:00:00Z"],
    ["2030-06-01T20:00:00.1234567899999Z", "2030-06-01T20:00:00.123456789Z"],
    ["2030-06-01t22:00:00.0000000000+02:00", "2030-06-01T20:00:00Z"],
    ["9999-12-31T23:59:59.9999999999z", "9999-12-31T23:59:59.999999999Z"],
    ["2030-06-01T20:00:00-00:00", "2030-06-01T20:00:00Z"],
  ])("may be %s in queries and bodies", async (time, expected) => {
    expect(await echo(`GET /v1/query?start_time=${time}`)).toMatchObject({ start_time: expected });
    const body = { startTime: time, times: [time], inner: { startTime: time, inner: { times: [time, time] } } };
    expect(await echo(`PUT /v1/everything/1 ${JSON.stringify(body)}`)).toMatchObject({
      start_time: expected,
      times: [expected],
      inner: { start_time: expected, inner: { times: [expected, expected] } },
    });
    expect(await echo(`PUT /v1/start/5 ${JSON.stringify(time)}`)).toBe(expected);
  });

  test("is not changed in a text that is not a time", async () => {
    const text = "2030-06-01t20:00:00z";
    const body = { text, tags: [text], extra: { at: text }, anything: [text], answers: { true: text } };
    expect(await echo(`PUT /v1/everything/1 ${JSON.stringify(body)}`)).toMatchObject(body);
  });

  test("of a concert may be in any form of RFC 3339", async () => {
    const body = JSON.stringify({ ...moonlightJson, concert_date: "2099-06-01t22:00:00.1234567891+02:00" });
    const headers = { "content-type": "application/json" };
    const { status, text } = await sendHttp(service.baseUrl, { path: "/api/v1/concerts", headers, body });
    expect([status, JSON.parse(text).concert_date]).toEqual([201, "2099-06-01T20:00:00.123456Z"]);
  });
});

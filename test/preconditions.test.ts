/** If-Match and If-None-Match (RFC 9110) on updates of a concert, and the ETags that they compare. */
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { holdConcert, patientSettings } from "./support/database/locks.ts";
import { createProtocolClient, type Protocol } from "./support/protocols/protocols.ts";
import { noCache, startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlight, moonlightJson, type Stage } from "./support/service/stage.ts";
import { jsonType, rpcPath, sendHttp } from "./support/wire/http.ts";

let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService(patientSettings);
  stage = createStage(service.baseUrl);
});
afterAll(() => service?.close());

type Headers = Record<string, string>;

const get = (id: bigint, headers: Headers = {}) =>
  fetch(`${service.baseUrl}/api/v1/concerts/${id}`, { headers: { ...noCache.headers, ...headers } });

/** Updates a concert to its current values. */
async function put(id: bigint, headers: Headers, version = 1) {
  const {
    status,
    headers: answered,
    text,
  } = await sendHttp(service.baseUrl, {
    method: "PUT",
    path: `/api/v1/concerts/${id}`,
    headers: { ...jsonType, ...headers },
    body: JSON.stringify({ ...moonlightJson, version }),
  });
  return { status, etag: answered.etag, body: JSON.parse(text) };
}

async function versionOf(id: bigint): Promise<unknown> {
  return ((await (await get(id)).json()) as { version: number }).version;
}

describe("a concert's ETag", () => {
  test("begins with its version and changes with every booking", async () => {
    const concert = await stage.concert();
    const before = (await get(concert.id)).headers.get("etag");
    expect(before).toMatch(/^"1-[\w-]{27}"$/);
    await stage.booking(concert);
    const after = (await get(concert.id)).headers.get("etag");
    expect(after).toMatch(/^"1-[\w-]{27}"$/);
    expect(after).not.toBe(before);
    expect((await get(concert.id, { "If-None-Match": after ?? "" })).status).toBe(304);
    expect((await get(concert.id, { "If-None-Match": before ?? "" })).status).toBe(200);
  });

  test("is the same for the creation, the update and the read of the same content", async () => {
    const created = await sendHttp(service.baseUrl, {
      path: "/api/v1/concerts",
      headers: jsonType,
      body: JSON.stringify(moonlightJson),
    });
    const { id } = JSON.parse(created.text);
    expect(created.headers.etag).toMatch(/^"1-/);
    expect((await get(id)).headers.get("etag")).toBe(created.headers.etag);
    const updated = await put(id, {});
    expect(updated.etag).toMatch(/^"2-/);
    expect((await get(id)).headers.get("etag")).toBe(updated.etag);
  });

  test.each(["identity", "gzip"])("by Connect GET begins with its version as well (%s)", async (encoding) => {
    const { id } = await stage.concert({ name: "x".repeat(255), artist: "y".repeat(255), venue: "z".repeat(255) });
    const message = JSON.stringify({ id: String(id) });
    const query = `connect=v1&encoding=json&message=${encodeURIComponent(message)}`;
    const path = `${rpcPath("ConcertService.GetConcert")}?${query}`;
    const headers = { "accept-encoding": encoding };
    const { etag = "" } = (await sendHttp(service.baseUrl, { path, headers })).headers;
    expect(etag).toMatch(/^"1-[\w-]{27}"$/);
    const again = await sendHttp(service.baseUrl, { path, headers: { ...headers, "if-none-match": etag } });
    expect(again).toMatchObject({ status: 304, text: "" });
    const failed = await sendHttp(service.baseUrl, { path, headers: { ...headers, "if-match": '"2-x"' } });
    expect(failed).toMatchObject({ status: 412, headers: { "cache-control": "no-store" } });
    expect(failed.headers).not.toHaveProperty("etag");
  });

  test("a failed If-Match on a Connect GET is an error that Connect clients read", async () => {
    const { id } = await stage.concert();
    const transport = createConnectTransport({ baseUrl: service.baseUrl, httpVersion: "1.1", useHttpGet: true });
    const client = createClient(ConcertService, transport);
    const error = await client
      .getConcert({ id }, { headers: { "if-match": '"2-x"' } })
      .catch((caught: unknown) => ConnectError.from(caught));
    expect(error).toMatchObject({ code: Code.FailedPrecondition, rawMessage: expect.stringContaining("If-Match") });
    const [info] = error instanceof ConnectError ? error.findDetails(ErrorInfoSchema) : [];
    expect(info).toMatchObject({ domain: "frontrow", reason: "PRECONDITION_FAILED" });
  });

  test("is a hash alone for responses without a version", async () => {
    const list = await fetch(`${service.baseUrl}/api/v1/concerts`);
    expect(list.headers.get("etag")).toMatch(/^"[\w-]{27}"$/);
    const booking = await stage.booking(await stage.concert());
    const got = await fetch(`${service.baseUrl}/api/v1/bookings/${booking.id}`);
    expect(got.headers.get("etag")).toMatch(/^"[\w-]{27}"$/);
  });
});

const mismatch = (header: string) => ({
  status: 412,
  body: {
    type: "urn:frontrow:problem:version-mismatch",
    title: "Version mismatch",
    status: 412,
    detail: `the header ${header} does not allow a change of version 1 of the concert`,
    code: "ABORTED",
    reason: "VERSION_MISMATCH",
    metadata: { current_version: "1" },
  },
});

describe("If-Match on PUT", () => {
  test.each([
    ...['"other"', '"2-x"', '"01x-1"', '"1"', '"x-1"', '"-1-x"', "1-x", '"1-x', "", ",", "W/", "other, more", "**"],
    ...['"2-x", "3-x"', '"a,1-x"', '"1,1-x"', 'W/"2-x"', '"11-x"', '"99999999999-x"', '"1 -x"'],
  ])("with another version in %j is answered with 412 and changes nothing", async (tags) => {
    const { id } = await stage.concert();
    expect(await put(id, { "If-Match": tags })).toMatchObject(mismatch("If-Match"));
    expect(await versionOf(id)).toBe(1);
  });

  test.each([
    "*",
    " * ",
    '"1-x"',
    '"1-x,gzip"',
    '"a,b","1-x"',
    '"2-x", "1-x"',
    '"x",, "1-"',
    'W/"1-x"',
    '"1-x-gzip"',
    '"1-x;gzip"',
  ])("with the current version in %j updates the concert", async (tags) => {
    const { id } = await stage.concert();
    expect((await put(id, { "If-Match": tags })).status).toBe(200);
    expect(await versionOf(id)).toBe(2);
  });

  test("still matches after a booking", async () => {
    const concert = await stage.concert();
    const etag = (await get(concert.id)).headers.get("etag") ?? "";
    await stage.booking(concert);
    expect(await put(concert.id, { "If-Match": etag })).toMatchObject({ status: 200, body: { version: 2 } });
    expect((await put(concert.id, { "If-Match": etag }, 2)).status).toBe(412);
  });

  test("is checked before the version in the body, which alone is answered with 409", async () => {
    const { id } = await stage.concert();
    expect((await put(id, { "If-Match": '"2-x"' }, 7)).status).toBe(412);
    expect(await put(id, { "If-Match": '"1-x"' }, 7)).toMatchObject({ status: 409, body: { code: "ABORTED" } });
    expect((await put(id, {}, 7)).status).toBe(409);
  });

  test("does not hide an invalid request", async () => {
    expect((await put(999_999n, { "If-Match": "*" })).status).toBe(404);
    const { id } = await stage.concert();
    expect((await put(id, { "If-Match": '"2-x"' }, 0)).status).toBe(400);
  });

  test("is compared under the concert's lock", async () => {
    const { id } = await stage.concert();
    const lock = await holdConcert(service.database, id);
    const calls = [put(id, { "If-Match": '"1-x"' }), put(id, { "If-Match": '"1-x"' })];
    await lock.untilWaiting(2);
    await lock.release();
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 412]);
    expect(await versionOf(id)).toBe(2);
  });

  test.each<Protocol>(["Connect JSON", "gRPC", "gRPC-Web"])("means the same by %s", async (protocol) => {
    const { id } = await stage.concert();
    const client = createProtocolClient(protocol, service.baseUrl);
    const update = (tags: string) =>
      client.call(
        ConcertService.method.updateConcert,
        { ...moonlight, id, version: 1 },
        { headers: { "If-Match": tags } },
      );
    const refused = { ok: false, code: "ABORTED", reason: "VERSION_MISMATCH", metadata: { current_version: "1" } };
    expect(await update('"2-x"')).toMatchObject(refused);
    expect(await update('"1-x"')).toMatchObject({ ok: true });
    client.close();
  });
});

describe("If-None-Match on PUT", () => {
  test.each(["*", '"1-x"', 'W/"1-x"', '"2-x", "1-y"'])("%j names the version: 412", async (tags) => {
    const { id } = await stage.concert();
    expect(await put(id, { "If-None-Match": tags })).toMatchObject(mismatch("If-None-Match"));
    expect(await versionOf(id)).toBe(1);
  });

  test.each(['"2-x"', '"other"', "other"])("%j does not: it is updated", async (tags) => {
    const { id } = await stage.concert();
    expect((await put(id, { "If-None-Match": tags })).status).toBe(200);
  });
});

test("If-Match is checked first when both headers forbid an update", async () => {
  const { id } = await stage.concert();
  expect(await put(id, { "If-Match": '"2-x"', "If-None-Match": "*" })).toMatchObject(mismatch("If-Match"));
  expect(await put(id, { "If-Match": "*", "If-None-Match": "*" })).toMatchObject(mismatch("If-None-Match"));
});

/** Headers with wrong values: content types, versions, timeouts and keys. */
import { Code } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { methods, nameOf, scenarioOf } from "./methods/index.ts";
import { converse } from "./support/network/raw-connection.ts";
import { type Subject, startSubject } from "./support/service/subject.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { expectConnectError, expectGrpcError, expectProblem } from "./support/wire/errors.ts";
import { jsonType, rpcPath, sendGrpc, sendHttp } from "./support/wire/http.ts";

let subject: Subject;
beforeAll(async () => {
  subject = await startSubject();
});
afterEach(() => subject.expectUnharmed());
afterAll(() => subject?.close());

const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  sendHttp(subject.baseUrl, { method: "POST", path, headers, body });

const getConcert = rpcPath("ConcertService.GetConcert");
const one = envelope(Buffer.of(0x08, 0x01));

describe("a content type", () => {
  const otherTypes = [
    ...["text/plain", "text/json", "application/jsonx", "application/xml", "application/x-www-form-urlencoded"],
    ...[
      "application/json; charset=latin1",
      "multipart/form-data; boundary=x",
      "json",
      ";",
      "*/*",
      "application/octet-stream",
    ],
  ];
  test.each([...otherTypes, "application/grpc", "application/proto", "application/connect+json"])(
    "%s is not taken by REST",
    async (type) => {
      const answer = await post("/api/v1/bookings", "{}", { "content-type": type });
      expectProblem(answer, 415, "UNSUPPORTED_MEDIA_TYPE");
    },
  );

  test.each([...otherTypes, "application/connect+json", "application/grpc+xml", "application/grpc-web-text+xml"])(
    "%s is not taken by a method",
    async (type) => {
      expectProblem(await post(getConcert, "{}", { "content-type": type }), 415, "UNSUPPORTED_MEDIA_TYPE");
    },
  );

  test("is required", async () => {
    expectProblem(await post("/api/v1/bookings", "{}"), 415, "UNSUPPORTED_MEDIA_TYPE");
    expectProblem(await post(getConcert, "{}"), 415, "UNSUPPORTED_MEDIA_TYPE");
    // Fastify refuses this one itself.
    expectProblem(await post(getConcert, "{}", { "content-type": "" }), 415, "UNSUPPORTED_MEDIA_TYPE");
  });

  test("that does not match the message is an error", async () => {
    const body = '{"id":"1"}';
    expectConnectError(await post(getConcert, body, { "content-type": "application/proto" }), 400, "invalid_argument");
    expectConnectError(await post(getConcert, one, jsonType), 400, "invalid_argument");
    const json = await sendGrpc(subject.baseUrl, getConcert, one, { "content-type": "application/grpc+json" });
    expectGrpcError(json, Code.InvalidArgument);
  });

  test("is independent of what the client accepts", async () => {
    for (const accept of ["text/html", "application/xml", "x", ""]) {
      const path = `/api/v1/concerts/${subject.concertId}`;
      expect((await sendHttp(subject.baseUrl, { path, headers: { accept } })).status).toBe(200);
    }
  });
});

describe("the version of Connect", () => {
  test.each(["2", "0", "v1", "", "1.0"])("%j is refused", async (version) => {
    const answer = await post(getConcert, '{"id":"1"}', { ...jsonType, "connect-protocol-version": version });
    expect(expectConnectError(answer, 400, "invalid_argument").message).toContain("version");
  });

  test.each(["v2", "1", ""])("%j is refused in a GET", async (version) => {
    const query = `connect=${version}&encoding=json&message=%7B%22id%22%3A%221%22%7D`;
    const answer = await sendHttp(subject.baseUrl, { path: `${getConcert}?${query}` });
    expect(expectConnectError(answer, 400, "invalid_argument").message).toContain("version");
  });
});

describe("a timeout", () => {
  test.each(["x", "", "-1", "1.5", "1s", "0x10", "99999999999", "NaN", "1, 2"])(
    "of %j is refused by Connect",
    async (value) => {
      const answer = await post(getConcert, '{"id":"1"}', { ...jsonType, "connect-timeout-ms": value });
      expect(expectConnectError(answer, 400, "invalid_argument").message).toContain("timeout");
    },
  );

  test.each(["x", "", "1", "-1S", "1.5S", "1 S", "S", "1s", "999999999S", "1D"])(
    "of %j is refused by gRPC",
    async (value) => {
      const answer = await sendGrpc(subject.baseUrl, getConcert, one, { "grpc-timeout": value });
      expect(expectGrpcError(answer, Code.InvalidArgument)).toContain("timeout");
    },
  );

  test("of zero has passed", async () => {
    const connect = await post(getConcert, '{"id":"1"}', { ...jsonType, "connect-timeout-ms": "0" });
    expectConnectError(connect, 504, "deadline_exceeded");
    expectGrpcError(await sendGrpc(subject.baseUrl, getConcert, one, { "grpc-timeout": "0S" }), Code.DeadlineExceeded);
  });

  test.each(["2147483647", "2147483648", "9999999999"])("of %s ms has not passed", async (value) => {
    const answer = await post(getConcert, '{"id":"1"}', { ...jsonType, "connect-timeout-ms": value });
    expect(answer.status).toBe(200);
  });

  test.each(["99999999H", "35792M", "2147484S", "1H"])("of %s has not passed", async (value) => {
    const answer = await sendGrpc(subject.baseUrl, getConcert, one, { "grpc-timeout": value });
    expect(answer.headers["grpc-status"]).toBe("0");
  });
});

describe("the header Idempotency-Key", () => {
  const [key, other] = ["3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c11", "3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c12"] as const;
  const names = methods
    .filter(({ input }) => "requestId" in input.field)
    .map((method) => [method.name, nameOf(method)] as const);
  const violationOf = async (name: string, keyHeader: string | string[], requestId?: string) => {
    const { method, path, body: request } = scenarioOf(name).rest(subject.requests[name] ?? {});
    const body = JSON.stringify({ ...request, ...(requestId === undefined ? {} : { request_id: requestId }) });
    const headers = { ...jsonType, "idempotency-key": keyHeader };
    const answer = await sendHttp(subject.baseUrl, { method, path, headers, body });
    const { violations = [] } = expectProblem(answer, 400, "INVALID_REQUEST");
    expect(new Set(violations.map(({ field }) => field))).toEqual(new Set(["request_id"]));
    return violations[0]?.message;
  };

  test.each(names)("of %s must be a UUID", async (_, method) => {
    const notKeys = [
      "x",
      `{${key}}`,
      key.replaceAll("-", ""),
      `${key}0`,
      `"${key}`,
      `${key}, ${other}`,
      "é",
      "' OR 1=1 --",
    ];
    for (const notKey of notKeys) expect(await violationOf(method, notKey)).toBe("must be a valid UUID");
    const nil = "00000000-0000-0000-0000-000000000000";
    expect(await violationOf(method, nil)).toBe("must not be the nil or the max UUID: they identify nothing");
    for (const empty of ["", '""']) expect(await violationOf(method, empty)).toMatch(/is empty$/);
  });

  test.each(names)("of %s must equal request_id and be given once", async (_, method) => {
    expect(await violationOf(method, key, other)).toBe("differs from the one in the header Idempotency-Key");
    expect(await violationOf(method, [key, other])).toBe("must be a valid UUID");
    expect(await violationOf(method, key, "x")).toBe("differs from the one in the header Idempotency-Key");
  });

  test("may be in capitals or in quotes and still equals request_id", async () => {
    for (const header of [key, key.toUpperCase(), `"${key}"`, `"${key.toUpperCase()}"`]) {
      const request = { ...subject.requests["BookingService.BookTickets"], request_id: key, ticket_count: 0 };
      const headers = { ...jsonType, "idempotency-key": header };
      const { violations } = expectProblem(
        await post("/api/v1/bookings", JSON.stringify(request), headers),
        400,
        "INVALID_REQUEST",
      );
      expect(violations).toEqual([expect.objectContaining({ field: "ticket_count" })]);
    }
  });

  test("is ignored by methods without a request_id", async () => {
    const headers = { "idempotency-key": "x" };
    const path = `/api/v1/concerts/${subject.concertId}`;
    expect((await sendHttp(subject.baseUrl, { path, headers })).status).toBe(200);
    const body = JSON.stringify({ ...subject.requests["ConcertService.UpdateConcert"], version: 7 });
    const update = await sendHttp(subject.baseUrl, { method: "PUT", path, headers: { ...headers, ...jsonType }, body });
    expect([update.status, JSON.parse(update.text).reason]).toEqual([409, "VERSION_MISMATCH"]);
  });
});

describe("an unknown method", () => {
  test.each(["/frontrow.v1.ConcertService/DropConcert", "/frontrow.v1.Nothing/GetConcert", "/x/y"])(
    "is UNIMPLEMENTED to a gRPC client: %s",
    async (path) => {
      const client = new grpc.Client(new URL(subject.baseUrl).host, grpc.credentials.createInsecure());
      const [serialize, deserialize] = [(bytes: Buffer) => bytes, (bytes: Buffer) => bytes];
      const error = await new Promise<grpc.ServiceError | null>((resolve) => {
        client.makeUnaryRequest(path, serialize, deserialize, Buffer.of(), (cause) => resolve(cause));
      });
      client.close();
      expect(error?.code).toBe(grpc.status.UNIMPLEMENTED);
    },
  );
});

describe("a Host that cannot be part of a URL is refused", () => {
  const host = "test:99999";

  test("to gRPC", async () => {
    const answer = await sendGrpc(subject.baseUrl, getConcert, one, { ":authority": host });
    expect(expectGrpcError(answer, Code.InvalidArgument)).toContain("Host");
  });

  test("to gRPC-Web", async () => {
    const answer = await post(getConcert, one, { "content-type": "application/grpc-web", host });
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/grpc-web+proto"]);
    expect(answer.text).toMatch(/^grpc-status: 3\r$/m);
  });

  test("to Connect", async () => {
    for (const type of ["application/json", "application/JSON"]) {
      expectProblem(await post(getConcert, "{}", { "content-type": type, host }), 400, "INVALID_REQUEST");
    }
  });
});

describe("headers that break HTTP itself are refused", () => {
  const port = () => Number(new URL(subject.baseUrl).port);
  const get = (...headers: string[]) =>
    ["GET /api/v1/concerts HTTP/1.1", ...headers, "Connection: close", "", ""].join("\r\n");
  test.each([
    ["no host", get()],
    ["a name with a space", get("Host: test", "X Y: z")],
    ["no colon", get("Host: test", "XY")],
    ["U+0000 in a value", get("Host: test", "X: a\0b")],
    [
      "too much of them",
      get("Host: test", ...Array.from({ length: 500 }, (_, index) => `X-${index}: ${"x".repeat(50)}`)),
    ],
    ["another version", "GET /api/v1/concerts HTTP/3.0\r\nHost: test\r\n\r\n"],
    ["a target with a space", "GET /api/v1/concerts?artist=a b HTTP/1.1\r\nHost: test\r\n\r\n"],
  ])("%s", async (_, text) => {
    expect(await converse(port(), text)).toMatch(/^HTTP\/1.1 4\d\d /);
  });
});

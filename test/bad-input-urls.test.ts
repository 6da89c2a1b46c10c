/** Paths, methods and queries that no client of the schema sends. */
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
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

const send = (line: string, headers = {}) => {
  const [, method = "", path = "", body] = /^(\S+) (\S+)(?: (.*))?$/.exec(line) ?? [];
  return sendHttp(subject.baseUrl, { method, path, headers: { ...(body ? jsonType : {}), ...headers }, body });
};

describe("an unknown path", () => {
  test.each([
    ...["GET /", "GET /api", "GET /api/v1", "GET /api/v2/concerts", "GET /api/v1/concert", "GET /api/v1/Concerts"],
    ...["GET /api/v1/concerts/", "GET /api/v1/concerts/1/", "GET //api/v1/concerts", "GET /api//v1/concerts"],
    ...["GET /api/v1/concerts/1/x", "POST /api/v1/bookings/1/Cancel {}"],
    ...[
      "GET /api/v1/./concerts",
      "GET /api/v1/concerts/../../bookings",
      "GET /../../etc/passwd",
      "GET /.env",
      "GET /%2e%2e/",
    ],
    ...["GET /api%2Fv1%2Fconcerts", "GET /frontrow.v1.ConcertService", "POST /frontrow.v1.ConcertService/ {}"],
    ...["POST /frontrow.v1.ConcertService/DropConcert {}", "POST /frontrow.v1.Nothing/GetConcert {}"],
    ...["POST /frontrow.v1.concertservice/GetConcert {}", "POST /frontrow.v1.ConcertService/getConcert {}"],
    ...["POST /frontrow.v1.ConcertService/GetConcert/ {}", "POST /toString {}", "GET /__proto__"],
  ])("is 404: %s", async (line) => {
    expectProblem(await send(line), 404, "ROUTE_NOT_FOUND");
  });

  describe.each(["/frontrow.v1.ConcertService/DropConcert", "/frontrow.v1.Nothing/GetConcert", "/", "/x"])(
    "is UNIMPLEMENTED: %s",
    (path) => {
      test("to gRPC", async () => {
        const answer = await sendGrpc(subject.baseUrl, path, envelope(Buffer.of()));
        expect(expectGrpcError(answer, Code.Unimplemented)).toBe(`there is nothing at ${path}`);
        expect(answer.headers).not.toHaveProperty("grpc-status-details-bin");
      });

      test.each(["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text"])(
        "to gRPC-Web as %s",
        async (type) => {
          const isText = type.endsWith("text");
          const headers = { "content-type": type, origin: "https://example.com" };
          const body = isText ? envelope(Buffer.of()).toString("base64") : envelope(Buffer.of());
          const answer = await sendHttp(subject.baseUrl, { path, headers, body });
          expect([answer.status, answer.headers["content-type"]]).toEqual([
            200,
            isText ? "application/grpc-web-text+proto" : "application/grpc-web+proto",
          ]);
          expect(answer.headers["access-control-allow-origin"]).toBe("*");
          const text = isText ? Buffer.from(answer.text, "base64").toString() : answer.text;
          expect(text).toMatch(/^grpc-status: 12\r$/m);
        },
      );
    },
  );
});

test("a gRPC client receives a gRPC status, except for a type that is refused", async () => {
  const send = (path: string) => sendGrpc(subject.baseUrl, path, envelope(Buffer.of()));
  expectGrpcError(await send("/frontrow.v1.ConcertService/%ff"), Code.InvalidArgument);
  // REST has these paths, but not for this method.
  expectGrpcError(await send("/api/v1/concerts/1"), Code.Unimplemented);
  expectProblem(await send("/api/v1/concerts"), 415, "UNSUPPORTED_MEDIA_TYPE");
});

describe("a method that a path does not have", () => {
  test.each([
    ...["PUT", "DELETE", "PATCH"].map((method) => [`${method} /api/v1/concerts`, "GET, HEAD, POST"]),
    ...["POST", "DELETE", "PATCH"].map((method) => [`${method} /api/v1/concerts/1`, "GET, HEAD, PUT"]),
    ...["PUT", "DELETE", "PATCH"].map((method) => [`${method} /api/v1/bookings`, "GET, HEAD, POST"]),
    ...["POST", "PUT", "DELETE", "PATCH"].map((method) => [`${method} /api/v1/bookings/1`, "GET, HEAD"]),
    ...["GET", "PUT", "DELETE", "PATCH"].map((method) => [`${method} /api/v1/bookings/1/cancel`, "POST"]),
    ...["GET", "PUT", "DELETE"].map((method) => [`${method} ${rpcPath("BookingService.BookTickets")}`, "POST"]),
    ...["PUT", "DELETE"].map((method) => [`${method} ${rpcPath("BookingService.GetBooking")}`, "POST, GET"]),
  ])("is 405: %s", async (line = "", allow) => {
    const answer = await send(`${line} {}`);
    expectProblem(answer, 405, "METHOD_NOT_ALLOWED");
    expect(answer.headers.allow).toBe(allow);
  });

  test.each([
    ["/api/v1/concerts/1", 200],
    ["/api/v1/concerts/0", 400],
    ["/api/v1/nothing", 404],
    ["/api/v1/bookings/1/cancel", 405],
    [rpcPath("BookingService.BookTickets"), 405],
  ])("HEAD %s is %d without a body", async (path, status) => {
    expect(await send(`HEAD ${path}`)).toMatchObject({ status, text: "" });
  });

  test.each(["/api/v1/concerts", "/api/v1/nothing", rpcPath("BookingService.BookTickets"), "*"])(
    "OPTIONS %s is no error of the server",
    async (path) => {
      expect((await send(`OPTIONS ${path}`)).status).toBeLessThan(500);
    },
  );

  test.each(["TRACE", "PROPFIND", "LOCK", "QUERY", "M-SEARCH"])("%s is refused", async (method) => {
    const { status } = await send(`${method} /api/v1/concerts`);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });
});

describe("broken percent-encoding", () => {
  const broken = ["%", "%1", "%zz", "%ff", "%c3", "%ed%a0%80", "%C0%80", "%u0041"];
  test.each(broken)("%s in a path", async (text) => {
    for (const line of [`GET /api/v1/concerts/${text}`, `GET /${text}`, `POST /api/v1/bookings/${text}/cancel {}`]) {
      expectProblem(await send(line), 400, "INVALID_REQUEST");
    }
  });

  test.each(broken)("%s in a query", async (text) => {
    for (const query of [`artist=${text}`, `${text}=abc`, text]) {
      expectProblem(await send(`GET /api/v1/concerts?${query}`), 400, "INVALID_REQUEST");
    }
  });
});

describe("a query", () => {
  const wholeNumber = "must be a whole number";
  const bool = "must be true or false";
  const noNul = "must not contain the character U+0000";
  test.each([
    ["/concerts?nothing=1", "nothing", "unknown field"],
    ["/concerts?__proto__=1", "__proto__", "unknown field"],
    ["/concerts?artist.x=abc", "artist.x", "unknown field"],
    ["/concerts?artist[]=abc", "artist[]", "unknown field"],
    ["/concerts?=abc", "", "unknown field"],
    ["/concerts?page_size=1&page_size=1", "page_size", "given more than once"],
    ["/concerts?page_size=1&pageSize=1", "pageSize", "given more than once"],
    ["/concerts?page_size=x", "page_size", wholeNumber],
    ["/concerts?page_size", "page_size", wholeNumber],
    ["/concerts?page_size=1.0", "page_size", wholeNumber],
    ["/concerts?page_size=+1", "page_size", wholeNumber],
    ["/concerts?page_size=2147483648", "page_size", "must be between -2147483648 and 2147483647"],
    ["/concerts?available_only=1", "available_only", bool],
    ["/concerts?booking_open_only", "booking_open_only", bool],
    ["/concerts?available_only=TRUE", "available_only", bool],
    ["/concerts?artist=abc%00", "artist", noNul],
    ["/concerts?venue=%00abc", "venue", noNul],
    ["/concerts?name=a%00bc", "name", noNul],
    ["/concerts?page_token=%00", "page_token", noNul],
    ["/concerts?date_from=%00", "date_from", expect.stringContaining("RFC 3339")],
    ["/concerts?date_to=1", "date_to", expect.stringContaining("RFC 3339")],
    ["/concerts?date_to.seconds=1", "date_to.seconds", "unknown field"],
    ["/concerts/1?id=2", "id", "differs from the one in the path"],
    ["/concerts/1?x=2", "x", "unknown field"],
    ["/bookings?userID=nora&user_id=nora", "user_id", "given more than once"],
    ["/bookings?userID=no%00ra", "user_id", noNul],
    ["/bookings", "user_id", "is required"],
    ["/bookings?userID=", "user_id", "is required"],
  ])("%s", async (path, field, message) => {
    const { violations } = expectProblem(await send(`GET /api/v1${path}`), 400, "INVALID_REQUEST");
    expect(violations).toEqual([{ field, message }]);
  });

  test("is refused where the body has all fields", async () => {
    const body = JSON.stringify(subject.requests["BookingService.BookTickets"]);
    const { violations } = expectProblem(
      await send(`POST /api/v1/bookings?ticket_count=2 ${body}`),
      400,
      "INVALID_REQUEST",
    );
    expect(violations).toContainEqual({ field: "ticket_count", message: "must be sent in the body, not in the query" });
  });

  test("of a thousand unknown parameters is refused with the first", async () => {
    const query = Array.from({ length: 1_000 }, (_, index) => `p${index}=1`).join("&");
    const { violations } = expectProblem(await send(`GET /api/v1/concerts?${query}`), 400, "INVALID_REQUEST");
    expect(violations).toEqual([{ field: "p0", message: "unknown field" }]);
  });
});

describe("a Connect GET", () => {
  const path = rpcPath("ConcertService.GetConcert");
  const get = (query: string) => send(`GET ${path}?${query}`);
  const good = "connect=v1&encoding=json&message=%7B%22id%22%3A%221%22%7D";

  test("that is right is answered", async () => {
    expect((await get(good)).status).toBe(200);
    expect((await get("connect=v1&encoding=proto&base64=1&message=CAE")).status).toBe(200);
  });

  test.each([
    ["no message", "connect=v1&encoding=json"],
    ["an empty message", "connect=v1&encoding=json&message="],
    ["broken JSON", "connect=v1&encoding=json&message=%7B"],
    ["JSON of another kind", "connect=v1&encoding=json&message=%5B%5D"],
    ["base64 that is not said to be", "connect=v1&encoding=json&message=eyJpZCI6IjEifQ"],
    ["a broken rule", "connect=v1&encoding=json&message=%7B%22id%22%3A%220%22%7D"],
    ["U+0000", "connect=v1&encoding=json&message=%7B%22id%22%3A%22%5Cu0000%22%7D"],
    ["a raw U+0000", "connect=v1&encoding=json&message=%00"],
    ["compression that is not there", `${good}&compression=gzip`],
  ])("with %s is 400", async (_, query) => {
    expectConnectError(await get(query), 400, "invalid_argument");
  });

  test("in an unknown compression is 501", async () => {
    expectConnectError(await get(`${good}&compression=snappy`), 501, "unimplemented");
  });

  test.each([
    ["base64 that is none", "connect=v1&encoding=json&base64=1&message=!!!", 400],
    ["broken percent-encoding", "connect=v1&encoding=json&message=%zz", 400],
    ["broken UTF-8", "connect=v1&encoding=json&message=%ff", 400],
    ["an unknown encoding", "connect=v1&encoding=xml&message=%7B%7D", 415],
    ["no encoding", "connect=v1&message=%7B%7D", 415],
    ["nothing", "", 415],
  ])("with %s is %s: %i", async (_, query, status) => {
    const answer = await get(query);
    expectProblem(answer, status, status === 415 ? "UNSUPPORTED_MEDIA_TYPE" : "INVALID_REQUEST");
  });

  test("of a method that writes is 405", async () => {
    const line = `GET ${rpcPath("BookingService.CancelBooking")}?connect=v1&encoding=json&message=%7B%7D`;
    expectProblem(await send(line), 405, "METHOD_NOT_ALLOWED");
  });
});

describe("a URL that is too long", () => {
  test.each([
    ["a path", `/api/v1/concerts/${"1".repeat(20_000)}`],
    ["a query", `/api/v1/concerts?artist=${"x".repeat(20_000)}`],
    ["a megabyte", `/api/v1/concerts?artist=${"x".repeat(1_000_000)}`],
    ["a Connect GET", `${rpcPath("ConcertService.GetConcert")}?message=${"x".repeat(20_000)}`],
  ])("%s is refused at once", async (_, path) => {
    const port = Number(new URL(subject.baseUrl).port);
    expect(await converse(port, `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`)).toMatch(/^HTTP\/1.1 (?:414|431) /);
  });

  test("of the longest allowed length is answered", async () => {
    const { violations } = expectProblem(
      await send(`GET /api/v1/concerts/${"1".repeat(15_000)}`),
      400,
      "INVALID_REQUEST",
    );
    expect(violations).toEqual([{ field: "id", message: "must be a whole number" }]);
  });
});

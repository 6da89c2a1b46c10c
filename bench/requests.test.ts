import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { BookTicketsRequestSchema } from "../gen/frontrow/v1/booking_service_pb.ts";
import { createRequestDealer } from "./load/requests.ts";
import { bookingRequests, getConcertRequests } from "./requests.ts";

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
const uuid = /[0-9a-f]{8}-0000-4000-8000-[0-9a-f]{12}/;

test("each user books under its own name, over REST", () => {
  const { requests, transport } = bookingRequests({
    protocol: "REST",
    users: 2,
    concertOf: (user) => BigInt(user + 7),
  });
  expect(transport).toBe("http1");
  expect(requests.map(text)).toEqual([
    expect.stringMatching(/^POST \/api\/v1\/bookings HTTP\/1.1\r\nHost: 127.0.0.1\r\n/),
    expect.stringMatching(/\r\n\r\n\{"concert_id":"8","user_id":"user-00001","ticket_count":1\}$/),
  ]);
  expect(text(requests[0])).toContain("\r\nContent-Length: 58\r\n");
});

test("Connect has its own path, header and names", () => {
  const [request] = bookingRequests({ protocol: "Connect", users: 1, concertOf: () => 7n }).requests;
  expect(text(request)).toMatch(/^POST \/frontrow.v1.BookingService\/BookTickets HTTP\/1.1\r\n/);
  expect(text(request)).toContain("Connect-Protocol-Version: 1\r\n");
  expect(text(request)).toContain('{"concertId":"7","userId":"user-00000","ticketCount":1}');
});

test("gRPC has a message with its length before it", () => {
  const { requests, path } = bookingRequests({ protocol: "gRPC", users: 1, concertOf: () => 7n, baseline: "Noop" });
  const [request = new Uint8Array()] = requests;
  expect(path).toBe("/frontrow.bench.v1.BaselineService/Noop");
  expect(request.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, request.length - 5]));
  expect(fromBinary(BookTicketsRequestSchema, request.subarray(5))).toMatchObject({ concertId: 7n, ticketCount: 1 });
});

test("gRPC-Web has the prefixed message as the body of an HTTP request", () => {
  const { requests, transport } = bookingRequests({ protocol: "gRPC-Web", users: 1, concertOf: () => 7n, keyed: true });
  const [request = new Uint8Array()] = requests;
  expect(transport).toBe("grpc-web");
  expect(text(request)).toContain("\r\nContent-Type: application/grpc-web+proto\r\n");
  const body = request.subarray(Buffer.from(request).indexOf("\r\n\r\n") + 4);
  expect(body.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, body.length - 5]));
  expect(fromBinary(BookTicketsRequestSchema, body.subarray(5))).toMatchObject({ concertId: 7n, ticketCount: 1 });
});

test("an uncached read sends Cache-Control: no-cache", () => {
  expect(text(getConcertRequests("REST", 7n, true).requests[0])).toContain("Cache-Control: no-cache\r\n");
  expect(text(getConcertRequests("REST", 7n, false).requests[0])).not.toContain("Cache-Control");
});

describe("the dealer", () => {
  test.each(["REST", "gRPC", "gRPC-Web"] as const)("renews the keys of %s requests at each sending", (protocol) => {
    const users = 2;
    const load = bookingRequests({ protocol, users, concertOf: () => 7n, keyed: true });
    const { next } = createRequestDealer({ ...load, users });
    const keys = [0, 1, 0, 1].map((user) => uuid.exec(next(user).toString("latin1"))?.[0]);
    expect(new Set(keys).size).toBe(4);
  });

  test.each([
    ["REST", "/api/v1/bookings/42/confirm", '{"user_id":"%","payment_reference":"paid"}'],
    [
      "Connect",
      "/frontrow.v1.BookingService/ConfirmHold",
      '{"id":42                ,"userId":"%","paymentReference":"paid"}',
    ],
  ] as const)("confirms a hold by %s with its id and its user", (protocol, path, body) => {
    const load = bookingRequests({ protocol, users: 1, concertOf: () => 7n, order: "settle", newUsers: true });
    const dealer = createRequestDealer({ ...load, users: 1 });
    dealer.next(0);
    const [name = ""] = uuid.exec(dealer.next(0).toString("latin1")) ?? [];
    const [head = "", sent = ""] = dealer.followUp(0, 42)?.split("\r\n\r\n") ?? [];
    expect(head).toContain(`POST ${path} HTTP/1.1\r\n`);
    expect(head).toContain(`\r\nContent-Length: ${sent.length}`);
    expect(sent).toBe(body.replace("%", name));
  });

  test("sends nothing after an answer unless holds are to be confirmed", () => {
    const load = bookingRequests({ protocol: "REST", users: 1, concertOf: () => 7n, order: "hold", newUsers: true });
    const dealer = createRequestDealer({ ...load, users: 1 });
    expect(text(dealer.next(0))).toMatch(/^POST \/api\/v1\/holds /);
    expect(dealer.followUp(0, 42)).toBeUndefined();
  });

  test("deals the requests to the users in turn, and starts again at the end", () => {
    const requests = ["a", "b", "c"].map((name) => Buffer.from(name));
    const { next } = createRequestDealer({ requests, users: 2, keyOffsets: [] });
    expect([0, 0, 0, 1, 1].map((user) => next(user).toString())).toEqual(["a", "c", "b", "b", "a"]);
  });
});

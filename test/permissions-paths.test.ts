/** Permissions where a call could bypass its rule: replays, page tokens, ETags, other auth modes and other paths. */
import { randomUUID } from "node:crypto";
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Booking } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { Health } from "../gen/health/v1/health_pb.ts";
import { bearer, createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { protocols, supports } from "./support/protocols/protocols.ts";
import { type CallAs, createCallAs } from "./support/scenario/call-as.ts";
import { expectRefusal } from "./support/scenario/expected-answers.ts";
import { protocolsOf } from "./support/scenario/matrix.ts";
import { type BadCaller, type Caller, type CallerHeaders, callerHeaders } from "./support/scenario/permissions.ts";
import type { Request } from "./support/scenario/scenario.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlight, type Stage } from "./support/service/stage.ts";

const { getConcert, createConcert } = ConcertService.method;
const { getBooking, getUserBookings, bookTickets, cancelBooking } = BookingService.method;

let service: TestService;
let open: TestService;
let stage: Stage;
let concert: Concert;
let booking: Booking;
let headersOf: CallerHeaders;
let allowed: CallAs["allowed"];
let refused: CallAs["refused"];

beforeAll(async () => {
  const issuer = await createTokenIssuer();
  headersOf = await callerHeaders(issuer);
  service = await startTestService(trusting(issuer));
  ({ allowed, refused } = createCallAs(service.baseUrl, headersOf));
  // Without APP_AUTH_MODE the service would serve only this machine.
  open = await startTestService({ APP_AUTH_MODE: "none" }, service.database);
  stage = createStage(open.baseUrl);
  concert = await stage.concert({ totalTickets: 10_000 });
  booking = await stage.booking(concert);
});
afterAll(async () => {
  await service.database.checkInvariants();
  await open.close();
  await service.close();
});

describe.each(protocols.filter((protocol) => protocol !== "Connect GET"))("a repeated call by %s", (protocol) => {
  it("does not return the booking of another user's request_id", async () => {
    const requestId = randomUUID();
    const request = { concertId: concert.id, ticketCount: 1, requestId };
    const { message: first } = await allowed("nora", protocol, bookTickets, request);

    await refused("anonymous", protocol, bookTickets, { ...request, userId: "nora" }, "token");
    await refused("expired", protocol, bookTickets, request, "late");
    await refused("otto", protocol, bookTickets, { ...request, userId: "nora" }, "admin");
    await refused("reader", protocol, bookTickets, request, "write");
    // A request_id is scoped to its user.
    const ottos = await allowed("otto", protocol, bookTickets, request);
    expect(ottos).toMatchObject({ replayed: undefined, message: { userId: "otto" } });
    expect(ottos.message.id).not.toBe(first.id);

    for (const [caller, userId] of [
      ["nora", ""],
      ["writer", "nora"],
      ["admin", "nora"],
    ] as const) {
      const again = await allowed(caller, protocol, bookTickets, { ...request, userId });
      expect(again).toMatchObject({ replayed: "true", message: { id: first.id, userId: "nora" } });
    }
  });

  it("does not return another user's cancelled booking", async () => {
    const { id } = await stage.booking(concert, { userId: "nora" });
    const request = { id, requestId: randomUUID() };
    await allowed("nora", protocol, cancelBooking, request);

    await refused("anonymous", protocol, cancelBooking, { ...request, userId: "nora" }, "token");
    await refused("otto", protocol, cancelBooking, request, "owner");
    await refused("otto", protocol, cancelBooking, { ...request, userId: "nora" }, "admin");
    await refused("reader", protocol, cancelBooking, request, "write");
    for (const [caller, userId] of [
      ["nora", ""],
      ["admin", ""],
      ["admin", "nora"],
    ] as const) {
      const again = await allowed(caller, protocol, cancelBooking, { ...request, userId });
      expect(again).toMatchObject({ replayed: "true", message: { id, userId: "nora" } });
    }
  });

  // It is no tool.
  if (!supports(protocol, createConcert)) return;
  it("returns an organizer's concert to organizers only", async () => {
    const request = { ...moonlight, requestId: randomUUID() };
    const { message: first } = await allowed("organizer", protocol, createConcert, request);
    await refused("anonymous", protocol, createConcert, request, "token");
    await refused("admin", protocol, createConcert, request, "concerts");
    const again = await allowed("organizer", protocol, createConcert, request);
    expect(again).toMatchObject({ replayed: "true", message: { id: first.id } });
  });
});

it.each(protocolsOf(getUserBookings))("binds a page token to its user by %s", async (protocol) => {
  for (const _ of [1, 2]) await stage.booking(concert, { userId: "nora" });
  const { nextPageToken: pageToken } = (await allowed("nora", protocol, getUserBookings, { pageSize: 1 })).message;
  const page = { pageSize: 1, pageToken };

  await refused("anonymous", protocol, getUserBookings, page, "token");
  await refused("otto", protocol, getUserBookings, { ...page, userId: "nora" }, "admin");
  const message = "page_token is not one that this list with these filters has given; start again without it";
  await refused("otto", protocol, getUserBookings, page, { reason: "INVALID_PAGE_TOKEN", message });
  await refused("admin", protocol, getUserBookings, page, { reason: "INVALID_PAGE_TOKEN", message });
  const pages = [
    await allowed("nora", protocol, getUserBookings, page),
    await allowed("nora", protocol, getUserBookings, { ...page, userId: "nora" }),
    await allowed("admin", protocol, getUserBookings, { ...page, userId: "nora" }),
  ];
  for (const { message } of pages) expect(message.bookings).toMatchObject([{ userId: "nora" }]);
});

it("forbids shared caches to store a booking by Connect GET", async () => {
  const request = { id: booking.id };
  const answer = await callOnce("Connect GET", service.baseUrl, getBooking, request, { headers: headersOf.nora });
  expect(answer.exchange?.headers.get("cache-control")).toBe("private, no-cache");
});

describe("REST", () => {
  const fetchBooking = (caller: Caller | BadCaller, init: RequestInit = {}) =>
    fetch(`${service.baseUrl}/api/v1/bookings/${booking.id}`, {
      ...init,
      headers: { ...headersOf[caller], ...(init.headers as Record<string, string>) },
    });

  it("answers 304 to the owner of a booking only", async () => {
    const headers = { "If-None-Match": (await fetchBooking("nora")).headers.get("etag") ?? "" };
    expect((await fetchBooking("nora", { headers })).status).toBe(304);
    expect((await fetchBooking("anonymous", { headers })).status).toBe(401);
    expect((await fetchBooking("otto", { headers })).status).toBe(403);
    expect((await fetchBooking("expired", { headers: { "If-None-Match": "*" } })).status).toBe(401);
  });

  it("forbids shared caches to store bookings in every response, and nothing else", async () => {
    const cacheControlOf = (answer: Response) => [answer.status, answer.headers.get("cache-control")];
    const onlyOwn = "private, no-cache";
    const first = await fetchBooking("nora");
    expect(cacheControlOf(first)).toEqual([200, onlyOwn]);
    const headers = { "If-None-Match": first.headers.get("etag") ?? "" };
    expect(cacheControlOf(await fetchBooking("nora", { headers }))).toEqual([304, onlyOwn]);
    expect(cacheControlOf(await fetchBooking("nora", { method: "HEAD" }))).toEqual([200, onlyOwn]);
    expect(cacheControlOf(await fetchBooking("otto"))).toEqual([403, "no-store"]);
    const list = await fetch(`${service.baseUrl}/api/v1/bookings`, { headers: headersOf.nora });
    expect(cacheControlOf(list)).toEqual([200, onlyOwn]);
    const open = await fetch(`${service.baseUrl}/api/v1/concerts/${concert.id}`);
    expect(cacheControlOf(open)).toEqual([200, null]);
  });

  it("answers HEAD as it answers GET", async () => {
    const statusOf = async (caller: Caller | BadCaller) => (await fetchBooking(caller, { method: "HEAD" })).status;
    const statuses = await Promise.all((["nora", "admin", "anonymous", "otto", "organizer"] as const).map(statusOf));
    expect(statuses).toEqual([200, 200, 401, 403, 403]);
  });

  it("applies the same rule to other spellings of a path", async () => {
    const { id } = booking;
    const paths = [
      `/api/v1/bookings/0${id}`,
      `/api/v1/bookings/%3${id}`,
      `/api/v1/bookings/${id}?`,
      `//api/v1/bookings/${id}`,
    ];
    for (const path of [...paths, `/api/v1/bookings/${id}/`, `/API/v1/bookings/${id}`, `/api/v1/./bookings/${id}`]) {
      const { status } = await fetch(service.baseUrl + path, { headers: headersOf.otto });
      expect([400, 403, 404], path).toContain(status);
    }
    const lists = [
      "user_id=nora",
      "userID=nora",
      "userId=nora",
      "user_id=otto&user_id=nora",
      "userID=otto&user_id=nora",
    ];
    for (const query of lists) {
      const { status } = await fetch(`${service.baseUrl}/api/v1/bookings?${query}`, { headers: headersOf.otto });
      expect([400, 403], query).toContain(status);
    }
  });

  it("reads the user from every spelling of the key", async () => {
    for (const key of ["user_id", "userID", "userId"]) {
      const response = await fetch(`${service.baseUrl}/api/v1/bookings`, {
        method: "POST",
        headers: { ...headersOf.otto, "Content-Type": "application/json" },
        body: JSON.stringify({ concert_id: String(concert.id), ticket_count: 1, [key]: "nora" }),
      });
      expect(response.status, key).toBe(403);
    }
  });

  it("takes a token from the header Authorization only", async () => {
    const token = headersOf.nora.authorization?.slice("Bearer ".length) ?? "";
    const url = `${service.baseUrl}/api/v1/bookings`;
    const answers = [
      await fetch(`${url}/${booking.id}`, {
        headers: { Cookie: `access_token=${token}; authorization=Bearer ${token}` },
      }),
      await fetch(`${url}/${booking.id}`, { headers: { "Proxy-Authorization": `Bearer ${token}` } }),
      await fetch(`${url}?access_token=${token}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400]);
  });
});

describe("in the mode none", () => {
  it.each(protocols)("ignores tokens by %s", async (protocol) => {
    const call = <Method extends DescMethodUnary>(
      caller: Caller | BadCaller,
      method: Method,
      request: Request<Method>,
    ) => callOnce(protocol, open.baseUrl, method, request, { headers: headersOf[caller] });
    const answers = await Promise.all(
      (Object.keys(headersOf) as (keyof CallerHeaders)[]).flatMap((caller) => [
        // It is no tool.
        ...(supports(protocol, getBooking) ? [call(caller, getBooking, { id: booking.id })] : []),
        call(caller, getUserBookings, { userId: "nora" }),
      ]),
    );
    expect(answers.filter(({ outcome }) => !outcome.ok)).toEqual([]);
    // So an empty user_id has no user either.
    expectRefusal(protocol, await call("nora", getUserBookings, {}), {
      reason: "INVALID_REQUEST",
      message: "user_id: is required",
      violations: [{ field: "user_id", message: "is required" }],
    });
  });
});

it("answers health checks with any token", async () => {
  const headers = { ...bearer("junk") };
  for (const path of ["/health", "/livez", "/readyz"]) {
    expect((await fetch(service.baseUrl + path, { headers })).status, path).toBe(200);
  }
  const { outcome } = await callOnce("gRPC", service.grpcUrl, Health.method.check, {}, { headers });
  expect(outcome).toMatchObject({ ok: true });
});

it("returns a concert with a good token or none, and refuses a bad token", async () => {
  const { id } = concert;
  await allowed("anonymous", "REST", getConcert, { id });
  await refused("junk", "REST", getConcert, { id }, "bad");
});

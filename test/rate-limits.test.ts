/** Rate limits without tokens: a caller is an address and a user. */
import { randomUUID } from "node:crypto";
import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BookingSchema } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { rightRequest, scenarios } from "./methods/index.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { verdict } from "./support/protocols/outcomes.ts";
import { type Protocol, protocols } from "./support/protocols/protocols.ts";
import { createMatrix, protocolsOf } from "./support/scenario/matrix.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";
import { sendHttp } from "./support/wire/http.ts";

const { getUserBookings, bookTickets, cancelBooking, releaseHold } = BookingService.method;
const { getConcert, createConcert } = ConcertService.method;

/** Calls a minute of one caller. An address has twenty times as many. */
const limits = { reads: 3, bookings: 2, settlements: 2, admin: 1 };
const windowSeconds = 60;

let service: TestService;
let concert: Concert;

beforeAll(async () => {
  service = await startTestService({
    APP_RATE_LIMIT_READS: String(limits.reads),
    APP_RATE_LIMIT_BOOKINGS: String(limits.bookings),
    APP_RATE_LIMIT_SETTLEMENTS: String(limits.settlements),
    APP_RATE_LIMIT_ADMIN: String(limits.admin),
    APP_TRUSTED_PROXIES: "127.0.0.1",
  });
  concert = await createStage(service.baseUrl).concert({ totalTickets: 5 });
});
afterAll(() => service.close());

/** Headers of a proxy that forwards a call from this address. */
const from = (address: string) => ({ "X-Forwarded-For": address });
/** Users and addresses that no other test uses. */
let used = 0;
const newUser = () => `user-${++used}`;
const newAddress = () => `198.51.${used >> 8}.${++used & 255}`;

type Request = Record<string, unknown>;

function call<Method extends DescMethodUnary>(
  method: Method,
  request: MessageInitShape<Method["input"]>,
  { protocol = "REST", headers = {} }: { protocol?: Protocol; headers?: Record<string, string> } = {},
) {
  return callOnce(protocol, service.baseUrl, method, request, { headers });
}

async function verdicts(calls: readonly (() => ReturnType<typeof call>)[]): Promise<string[]> {
  const seen = [];
  for (const make of calls) seen.push(verdict((await make()).outcome));
  return seen;
}

const times = <Value>(count: number, value: Value): Value[] => new Array<Value>(count).fill(value);
const read = (userId: string, options?: Parameters<typeof call>[2]) => () => call(getUserBookings, { userId }, options);
const book = (userId: string) => () => call(bookTickets, { concertId: concert.id, userId, ticketCount: 100 });

/** The three headers with the rest of the limit. */
function budgetOf(headers: Headers | undefined) {
  const [limit, remaining, reset] = ["limit", "remaining", "reset"].map((name) => headers?.get(`ratelimit-${name}`));
  return { limit, remaining, reset };
}

const aReset = expect.toSatisfy((text: string) => /^[1-9]\d?$/.test(text) && Number(text) <= windowSeconds);
const budget = (limit: number, remaining: number) => ({
  limit: String(limit),
  remaining: String(remaining),
  reset: aReset,
});

it("a REST call with a plus sign in its user id counts for both users that it may mean", async () => {
  const remaining = async (plus: string) => {
    const answer = await sendHttp(service.baseUrl, { path: `/api/v1/bookings?user_id=look${plus}tix` });
    return [answer.status, answer.headers["ratelimit-remaining"]];
  };
  expect(await remaining("%2B")).toEqual([200, "2"]);
  expect(await remaining("%2B")).toEqual([200, "1"]);
  expect(await remaining("+")).toEqual([200, "0"]);
  // The second look is refused, and only the first one's headers are left.
  expect(await remaining("+")).toEqual([200, "1"]);
});

describe("RATE_LIMITED", () => {
  it.each(protocols)("is typed, and says when to repeat, by %s", async (protocol) => {
    const headers = from(newAddress());
    const userId = newUser();
    for (let count = 0; count < limits.reads; count++) await read(userId, { headers })();
    const { outcome, exchange } = await call(getUserBookings, { userId }, { protocol, headers });
    expect(outcome).toEqual({
      ok: false,
      code: "RESOURCE_EXHAUSTED",
      reason: "RATE_LIMITED",
      message: expect.stringMatching(/^at most 3 calls of this kind a minute; repeat in [1-9]\d? seconds$/),
      metadata: {},
      violations: [],
      retryDelayMs: expect.toSatisfy((delayMs: number) => delayMs > 0 && delayMs <= windowSeconds * 1_000),
    });
    if (!exchange) return;
    expect(exchange.status).toBe(protocol === "gRPC-Web" || protocol === "MCP" ? 200 : 429);
    // What goes wrong is in gRPC-Web's body.
    if (protocol === "gRPC-Web") return;
    expect(budgetOf(exchange.headers)).toEqual(budget(limits.reads, 0));
    expect(exchange.headers.get("retry-after")).toBe(exchange.headers.get("ratelimit-reset"));
  });

  it("rejects every method that shares the limit", async () => {
    const headers = from(newAddress());
    const spendAll = async (method: DescMethodUnary, request: Request, most: number) => {
      for (let count = 0; count < most * 20; count++) await call(method, request, { headers });
    };
    await spendAll(getConcert, { id: concert.id }, limits.reads);
    await spendAll(createConcert, {}, limits.admin);
    const userId = newUser();
    await spendAll(cancelBooking, { id: 1n, userId }, limits.bookings);
    await spendAll(releaseHold, { id: 1n, userId }, limits.settlements);
    const booking = create(BookingSchema, { id: 1n });
    const existing = { concert, booking, hold: booking };
    const matrix = createMatrix();
    for (const scenario of scenarios) {
      const { method } = scenario;
      for (const protocol of protocolsOf(method)) {
        const { outcome } = await call(method, rightRequest(scenario, existing), { protocol, headers });
        expect(`${method.name} by ${protocol}: ${verdict(outcome)}`).toBe(
          `${method.name} by ${protocol}: RATE_LIMITED`,
        );
        matrix.fill(method, protocol, "RATE_LIMITED");
      }
    }
    matrix.expectComplete(() => ["RATE_LIMITED"]);
  });
});

describe("responses have the rest of the limit", () => {
  it.each(["REST", "Connect JSON", "Connect GET"] as const)("when they succeed, by %s", async (protocol) => {
    const userId = newUser();
    for (const remaining of [2, 1, 0]) {
      const { outcome, exchange } = await call(getUserBookings, { userId }, { protocol });
      expect(verdict(outcome)).toBe("OK");
      expect(budgetOf(exchange?.headers)).toEqual(budget(limits.reads, remaining));
      expect(exchange?.headers.get("retry-after")).toBeNull();
    }
  });

  it.each(["REST", "Connect JSON"] as const)("when they refuse for whatever reason, by %s", async (protocol) => {
    const { id: concertId } = concert;
    const refusals = [
      ["INSUFFICIENT_TICKETS", { concertId, ticketCount: 6 }],
      ["TICKET_LIMIT_EXCEEDED", { concertId, ticketCount: 50 }],
      ["CONCERT_NOT_FOUND", { concertId: 999_999n, ticketCount: 1 }],
      ["INVALID_REQUEST", { concertId, ticketCount: 0 }],
      ["INVALID_REQUEST", { concertId, ticketCount: 1, requestId: "no UUID" }],
    ] as const;
    for (const [reason, request] of refusals) {
      const { outcome, exchange } = await call(bookTickets, { ...request, userId: newUser() }, { protocol });
      expect(verdict(outcome)).toBe(reason);
      expect(budgetOf(exchange?.headers)).toEqual(budget(limits.bookings, 1));
    }
  });

  it("of the user or of the address, whichever is used up first", async () => {
    const headers = from(newAddress());
    const most = limits.reads * 20;
    const first = await read(newUser(), { headers })();
    expect(budgetOf(first.exchange?.headers)).toEqual(budget(limits.reads, 2));
    for (let count = 1; count < most - 2; count++) await read(newUser(), { headers })();
    const last = await read(newUser(), { headers })();
    expect(budgetOf(last.exchange?.headers)).toEqual(budget(most, 1));
  });

  it("with a 304", async () => {
    const url = `${service.baseUrl}/api/v1/bookings?userID=${newUser()}`;
    const first = await fetch(url);
    const etag = first.headers.get("etag") ?? "";
    const second = await fetch(url, { headers: { "If-None-Match": etag } });
    expect(second.status).toBe(304);
    expect(budgetOf(second.headers)).toEqual(budget(limits.reads, 1));
  });

  it("readable for the scripts of a page", async () => {
    const { headers } = await fetch(`${service.baseUrl}/api/v1/concerts`, { headers: { Origin: "http://shop.test" } });
    const exposed = headers.get("access-control-expose-headers")?.toLowerCase().split(/, */);
    expect(exposed).toEqual(
      expect.arrayContaining(["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]),
    );
  });

  it("only where calls are counted", async () => {
    const { exchange } = await call(getConcert, { id: concert.id });
    expect(budgetOf(exchange?.headers)).toEqual({ limit: null, remaining: null, reset: null });
  });
});

describe("a limit", () => {
  it("is shared by all reads, and another by all bookings and cancels", async () => {
    const userId = newUser();
    const cancel = () => call(cancelBooking, { id: 999_999n, userId });
    expect(await verdicts([...times(4, read(userId)), book(userId), cancel, book(userId), cancel])).toEqual([
      ...times(3, "OK"),
      "RATE_LIMITED",
      "TICKET_LIMIT_EXCEEDED",
      "BOOKING_NOT_FOUND",
      ...times(2, "RATE_LIMITED"),
    ]);
  });

  it("is used up by all protocols together", async () => {
    const userId = newUser();
    const calls = protocols.map((protocol) => read(userId, { protocol }));
    expect(await verdicts(calls)).toEqual([...times(3, "OK"), ...times(4, "RATE_LIMITED")]);
  });

  it("counts replays and rejected requests too", async () => {
    const userId = newUser();
    const { id: concertId } = await createStage(service.baseUrl).concert();
    const again = () => call(bookTickets, { concertId, userId, ticketCount: 1, requestId });
    const requestId = randomUUID();
    expect(await verdicts([again, again, again])).toEqual(["OK", "REPLAYED", "RATE_LIMITED"]);
    const clumsy = newUser();
    const invalid = () => call(bookTickets, { concertId, userId: clumsy, ticketCount: 0 });
    expect(await verdicts([invalid, invalid, invalid])).toEqual([...times(2, "INVALID_REQUEST"), "RATE_LIMITED"]);
  });

  it("is one user's: its rejections do not affect others at the address", async () => {
    const headers = from(newAddress());
    const [greedy, modest] = [newUser(), newUser()];
    expect(await verdicts([...times(4, read(greedy, { headers })), read(modest, { headers })])).toEqual([
      ...times(3, "OK"),
      "RATE_LIMITED",
      "OK",
    ]);
  });

  it("is one user's at one address: another address with the same name does not use it up", async () => {
    const userId = newUser();
    const there = { headers: from(newAddress()) };
    expect(await verdicts([...times(4, read(userId, there)), read(userId)])).toEqual([
      ...times(3, "OK"),
      "RATE_LIMITED",
      "OK",
    ]);
  });
});

describe("an address", () => {
  const look = (address: string) => () => call(getConcert, { id: concert.id }, { headers: from(address) });
  const most = limits.reads * 20;

  it("has one limit for all its users", async () => {
    const address = newAddress();
    const strangers = Array.from({ length: most }, () => read(newUser(), { headers: from(address) }));
    expect(await verdicts(strangers)).toEqual(times(most, "OK"));
    const { outcome, exchange } = await read(newUser(), { headers: from(address) })();
    expect(verdict(outcome)).toBe("RATE_LIMITED");
    expect(budgetOf(exchange?.headers)).toEqual(budget(most, 0));
    expect(await verdicts([look(address), look(newAddress())])).toEqual(["RATE_LIMITED", "OK"]);
  });

  it("of IPv6 is a whole /64, in every spelling", async () => {
    const group = Array.from({ length: most }, (_, index) => look(`2001:db8:1:2::${index.toString(16)}`));
    expect(await verdicts(group)).toEqual(times(most, "OK"));
    expect(
      await verdicts([look("2001:0DB8:0001:0002:ffff::"), look("[2001:db8:1:2::7]:4711"), look("2001:db8:1:3::")]),
    ).toEqual(["RATE_LIMITED", "RATE_LIMITED", "OK"]);
  });

  it("is the last one in X-Forwarded-For that is no trusted proxy: a client's own entries have no effect", async () => {
    const address = newAddress();
    const forged = Array.from({ length: most + 1 }, () => look(`${newAddress()}, ${address}`));
    expect(await verdicts(forged)).toEqual([...times(most, "OK"), "RATE_LIMITED"]);
    expect(await verdicts([look(address), look(`127.0.0.1, ${address}`)])).toEqual(times(2, "RATE_LIMITED"));
  });

  it("of this machine has no limit", async () => {
    const calls = [...times(most + 1, () => call(getConcert, { id: concert.id })), ...times(3, look("127.0.0.1"))];
    expect(new Set(await verdicts(calls))).toEqual(new Set(["OK"]));
  });

  it("does not come from X-Forwarded-For where no proxy is trusted", async () => {
    const alone = await startTestService({ APP_RATE_LIMIT_READS: "1" }, service.database);
    const statuses = new Set<number>();
    for (let count = 0; count < 21; count++) {
      statuses.add((await fetch(`${alone.baseUrl}/api/v1/concerts`, { headers: from("203.0.113.1") })).status);
    }
    await alone.close();
    expect(statuses).toEqual(new Set([200]));
  });
});

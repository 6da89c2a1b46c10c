/** Rate limits with tokens: a caller is the subject of a token. */
import { generateKeyPairSync } from "node:crypto";
import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.ts";
import { Health } from "../gen/health/v1/health_pb.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { tally, verdict } from "./support/protocols/outcomes.ts";
import type { Protocol } from "./support/protocols/protocols.ts";
import { protocolsOf } from "./support/scenario/matrix.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { moonlight } from "./support/service/stage.ts";

const { getBooking, getUserBookings, bookTickets, cancelBooking, confirmHold, releaseHold } = BookingService.method;
const { getConcert, createConcert, updateConcert } = ConcertService.method;

/** Calls a minute of one caller. An address has twenty times as many. */
const limits = { reads: 3, bookings: 2, settlements: 2, admin: 1 };
const mostOfAddress = limits.reads * 20;
const issuer = "https://issuer.test";
const keys = generateKeyPairSync("ed25519");
const everything = "concerts:write bookings:read bookings:write bookings:admin";

let service: TestService;
let bookingId: bigint;

beforeAll(async () => {
  service = await startTestService({
    APP_RATE_LIMIT_READS: String(limits.reads),
    APP_RATE_LIMIT_BOOKINGS: String(limits.bookings),
    APP_RATE_LIMIT_SETTLEMENTS: String(limits.settlements),
    APP_RATE_LIMIT_ADMIN: String(limits.admin),
    APP_TRUSTED_PROXIES: "127.0.0.1",
    APP_AUTH_MODE: "jwt",
    APP_AUTH_ISSUER: issuer,
    APP_AUTH_AUDIENCE: "frontrow",
    APP_AUTH_PUBLIC_KEY: keys.publicKey.export({ type: "spki", format: "pem" }).toString(),
    APP_AUTH_ALGORITHMS: "EdDSA",
  });
  const { outcome } = await call(await caller("organizer"), createConcert, moonlight);
  if (!outcome.ok) throw new Error(outcome.message);
  const order = { concertId: outcome.message.id, ticketCount: 1 };
  const booked = await call(await caller("owner"), bookTickets, order);
  if (!booked.outcome.ok) throw new Error(booked.outcome.message);
  bookingId = booked.outcome.message.id;
});
afterAll(() => service.close());

type Headers = Readonly<Record<string, string>>;

async function caller(subject: string, scope = everything): Promise<Headers> {
  const token = await new SignJWT({ scope })
    .setProtectedHeader({ alg: "EdDSA" })
    .setSubject(subject)
    .setIssuer(issuer)
    .setAudience("frontrow")
    .setExpirationTime("1h")
    .sign(keys.privateKey);
  return { Authorization: `Bearer ${token}` };
}

/** Addresses that no other test uses. */
let addresses = 0;
const newAddress = () => ({ "X-Forwarded-For": `198.51.100.${++addresses}` });

function call<Method extends DescMethodUnary>(
  headers: Headers,
  method: Method,
  request: MessageInitShape<Method["input"]>,
  protocol: Protocol = "REST",
) {
  return callOnce(protocol, service.baseUrl, method, request, { headers });
}

async function repeat(times: number, make: () => ReturnType<typeof call>): Promise<string[]> {
  const seen = [];
  for (let count = 0; count < times; count++) seen.push(verdict((await make()).outcome));
  return seen;
}

const isLimited = (count: number, verdict: string, most: number) => [
  ...new Array<string>(most).fill(verdict),
  ...new Array<string>(count - most).fill("RATE_LIMITED"),
];

describe("a subject", () => {
  it("has separate limits for reads, for bookings and cancels, for settling holds, and for changes of concerts", async () => {
    const alice = await caller("alice");
    expect(await repeat(5, () => call(alice, getUserBookings, {}))).toEqual(isLimited(5, "OK", limits.reads));
    const { outcome } = await call(alice, getConcert, { id: 1n });
    expect(verdict(outcome), "open reads count as well").toBe("RATE_LIMITED");

    const cancel = () => call(alice, cancelBooking, { id: 999_999n });
    expect(await repeat(4, cancel)).toEqual(isLimited(4, "BOOKING_NOT_FOUND", limits.bookings));
    const booked = await call(alice, bookTickets, { concertId: 1n, ticketCount: 1 });
    expect(verdict(booked.outcome)).toBe("RATE_LIMITED");

    expect(await repeat(3, () => call(alice, createConcert, moonlight))).toEqual(isLimited(3, "OK", limits.admin));
    const updated = await call(alice, updateConcert, { ...moonlight, id: 1n, version: 1 });
    expect(verdict(updated.outcome)).toBe("RATE_LIMITED");

    const release = () => call(alice, releaseHold, { id: 999_999n });
    expect(await repeat(3, release)).toEqual(isLimited(3, "BOOKING_NOT_FOUND", limits.settlements));
    const confirmed = await call(alice, confirmHold, { id: 999_999n });
    expect(verdict(confirmed.outcome)).toBe("RATE_LIMITED");

    const bob = await caller("bob");
    expect(await repeat(1, () => call(bob, getUserBookings, {}))).toEqual(["OK"]);
    expect(await repeat(1, () => call(bob, createConcert, moonlight))).toEqual(["OK"]);
  });

  it("is the same by every protocol, from every address, with every token, for every user", async () => {
    const seen = [];
    for (const protocol of protocolsOf(getUserBookings)) {
      const headers = { ...(await caller("carol", `${everything} ${protocol}`)), ...newAddress() };
      const { outcome } = await call(headers, getUserBookings, { userId: protocol }, protocol);
      seen.push(verdict(outcome));
    }
    expect(seen).toEqual(isLimited(7, "OK", limits.reads));
  });

  it("is limited apart from others at its address", async () => {
    const address = newAddress();
    const [dora, emil] = [await caller("dora"), await caller("emil")];
    const strangers = await repeat(mostOfAddress + 1, () => call(address, getConcert, { id: 1n }));
    expect(strangers).toEqual(isLimited(mostOfAddress + 1, "OK", mostOfAddress));
    for (const person of [dora, emil]) {
      const read = () => call({ ...person, ...address }, getUserBookings, {});
      expect(await repeat(4, read)).toEqual(isLimited(4, "OK", limits.reads));
    }
  });

  it("gets the rest of its limit with every response, errors included", async () => {
    const fred = await caller("fred");
    const { exchange } = await call(fred, getConcert, { id: 999_999n });
    expect(exchange?.status).toBe(404);
    expect(exchange?.headers.get("ratelimit-remaining")).toBe("2");
  });
});

describe("rejected calls count too:", () => {
  it("those for others' bookings, so that a caller cannot try all ids", async () => {
    const gina = await caller("gina", "bookings:read bookings:write");
    const look = () => call(gina, getBooking, { id: bookingId });
    expect(await repeat(5, look)).toEqual(isLimited(5, "NOT_BOOKING_OWNER", limits.reads));
    const cancel = () => call(gina, cancelBooking, { id: bookingId });
    expect(await repeat(4, cancel)).toEqual(isLimited(4, "NOT_BOOKING_OWNER", limits.bookings));
  });

  it("those without the scope", async () => {
    const hugo = await caller("hugo", "");
    expect(await repeat(3, () => call(hugo, createConcert, moonlight))).toEqual(
      isLimited(3, "MISSING_SCOPE", limits.admin),
    );
  });

  it.each([
    ["without a token", {}],
    ["with one that is not good", { Authorization: "Bearer e30.e30.e30" }],
  ])("those %s, for their address", async (_how, headers) => {
    const stranger = { ...headers, ...newAddress() };
    const times = mostOfAddress + 1;
    const seen = await repeat(times, () => call(stranger, getUserBookings, {}));
    expect(seen).toEqual(isLimited(times, "UNAUTHENTICATED", mostOfAddress));
  });
});

it("callers without a token are limited by their address, loopback included, where a proxy may be", async () => {
  const times = mostOfAddress + 1;
  for (const headers of [newAddress(), {}]) {
    const seen = await repeat(times, () => call(headers, getConcert, { id: 1n }));
    expect(seen).toEqual(isLimited(times, "OK", mostOfAddress));
  }
});

describe("are never limited and need no token:", () => {
  const headers = newAddress();
  const times = <Result>(ask: () => Promise<Result>) => Promise.all(Array.from({ length: 100 }, ask));

  it.each(["/health", "/livez", "/readyz"])("%s", async (path) => {
    const statuses = await times(async () => (await fetch(`${service.baseUrl}${path}`, { headers })).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it("grpc.health.v1 and reflection", async () => {
    const transport = createGrpcTransport({ baseUrl: service.grpcUrl });
    const health = createClient(Health, transport);
    await times(() => health.check({}, { headers }));
    const reflection = createClient(ServerReflection, transport);
    async function* requests() {
      yield { messageRequest: { case: "listServices", value: "" } } as const;
    }
    await times(async () => {
      for await (const { messageResponse } of reflection.serverReflectionInfo(requests(), { headers })) {
        expect(messageResponse.case).toBe("listServicesResponse");
      }
    });
  });
});

it("calls at once are counted as calls one after the other", async () => {
  const ida = await caller("ida");
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => call(ida, getUserBookings, {})));
  expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({ OK: limits.reads, RATE_LIMITED: 50 - limits.reads });
});

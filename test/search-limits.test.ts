/** Searches by text are expensive: they use up more of the rate limit, and a small share of the connections. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { sharePool } from "../src/store/pool/shares.ts";
import { holdLock, patientSettings } from "./support/database/locks.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { verdict } from "./support/protocols/outcomes.ts";
import type { Protocol } from "./support/protocols/protocols.ts";
import { protocolsOf } from "./support/scenario/matrix.ts";
import { noCache, startTestService, type TestService } from "./support/service/service.ts";

const { listConcerts } = ConcertService.method;
const { getUserBookings } = BookingService.method;
const rareTexts = { artist: "qqq", venue: "qqq", name: "qqq" };

describe("the rate limit of an address", () => {
  const limit = 40;
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      APP_RATE_LIMIT_READS: "2",
      APP_RATE_LIMIT_ADDRESS_FACTOR: String(limit / 2),
      APP_TRUSTED_PROXIES: "127.0.0.1",
    });
  });
  afterAll(() => service?.close());

  let addresses = 0;
  /** A client at an address that no other test has; its calls answer what is left, or why they are refused. */
  function client(protocol: Protocol) {
    const address = { "X-Forwarded-For": `198.51.100.${++addresses}` };
    return async (request: object, headers: Readonly<Record<string, string>> = {}) => {
      const options = { headers: { ...address, ...headers } };
      const { outcome, exchange } = await callOnce(protocol, service.baseUrl, listConcerts, request, options);
      const remaining = exchange?.headers.get("ratelimit-remaining");
      return outcome.ok && remaining ? Number(remaining) : verdict(outcome);
    };
  }

  it.each(["REST", "Connect JSON", "Connect GET"] as const)("pays ten for a search, and says so, by %s", async (by) => {
    const list = client(by);
    expect(await list({})).toBe(limit - 1);
    expect(await list({ artist: "owl" })).toBe(limit - 11);
    expect(await list(rareTexts)).toBe(limit - 21);
    expect(await list({ availableOnly: true })).toBe(limit - 22);
  });

  it("counts a read that must not come from the cache twice", async () => {
    const list = client("REST");
    expect(await list({}, noCache.headers)).toBe(limit - 2);
    expect(await list(rareTexts, noCache.headers)).toBe(limit - 22);
  });

  it.each(protocolsOf(listConcerts))("is used up by a few searches, by %s", async (protocol) => {
    const list = client(protocol);
    for (let paid = 20; paid <= limit; paid += 20)
      expect(await list(rareTexts, noCache.headers)).not.toBe("RATE_LIMITED");
    expect(await list({})).toBe("RATE_LIMITED");
  });
});

describe("a rush of searches", () => {
  it("does not delay other reads", async () => {
    const poolSize = 10;
    const service = await startTestService({ ...patientSettings, APP_DATABASE_POOL_SIZE: String(poolSize) });
    onTestFinished(() => service.close());
    const held = await holdLock(service.database, "LOCK TABLE concerts IN ACCESS EXCLUSIVE MODE");
    onTestFinished(() => held.release().catch(() => {}));
    const { reads, searches } = sharePool(poolSize);
    expect(searches).toBeLessThan(reads);
    // Each asks for another page, so that no two share a read.
    const rush = Array.from({ length: 50 }, (_, index) =>
      callOnce("REST", service.baseUrl, listConcerts, { ...rareTexts, pageSize: 1 + index }),
    );
    await held.untilWaiting(searches);

    for (const protocol of protocolsOf(getUserBookings)) {
      const { outcome } = await callOnce(protocol, service.baseUrl, getUserBookings, { userId: "nora" });
      expect(verdict(outcome)).toBe("OK");
    }
    const [row] = await service.database.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    expect(row?.waiting).toBe(searches);

    await held.release();
    // Those that had to wait too long, on a slow machine, have been refused.
    for (const { outcome } of await Promise.all(rush)) expect(["OK", "OVERLOADED"]).toContain(verdict(outcome));
  });
});

/** A service whose issuer's key server is down: at the start, and later. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { keysFromUrl } from "../src/identity/keys.ts";
import { createTokenVerifier } from "../src/identity/tokens.ts";
import { createFairShare } from "../src/limits/fair-share.ts";
import { createLagMeter } from "../src/limits/lag.ts";
import { createRateLimits } from "../src/limits/rates.ts";
import { createLogger } from "../src/log.ts";
import { readAccessRules } from "../src/rpc/access.ts";
import { createInterceptors } from "../src/rpc/interceptors/index.ts";
import { callOnce } from "./support/exchange.ts";
import { expectRefusal } from "./support/expected-answers.ts";
import { protocolsOf } from "./support/matrix.ts";
import { protocols } from "./support/protocols.ts";
import { serveApp } from "./support/served-app.ts";
import { startTestService } from "./support/service.ts";
import { audience, bearer, createTokenIssuer, expecting, issuer, type TokenIssuer } from "./support/tokens.ts";
import { type KeyServer, startKeyServer } from "./support/tokens-keys.ts";

const { getConcert, listConcerts } = ConcertService.method;
const { getUserBookings } = BookingService.method;

const unavailable = {
  reason: "KEYS_UNAVAILABLE",
  message: "tokens cannot be checked at the moment; nothing was stored, repeat in a moment",
} as const;

let old: TokenIssuer;
let next: TokenIssuer;
let keyServer: KeyServer;
const cleaning: (() => unknown)[] = [];

beforeAll(async () => {
  old = await createTokenIssuer();
  next = await createTokenIssuer("RS256");
});
beforeEach(async () => {
  keyServer = await startKeyServer();
  cleaning.push(() => keyServer.close());
});
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

let users = 0;
/** The headers of somebody new, whose token no one remembers. */
const someone = async ({ sign }: TokenIssuer, kid: string) => ({
  headers: bearer(await sign({ sub: `user-${users++}`, scope: "bookings:read" }, { kid })),
});

describe("a whole service", () => {
  const start = async () => {
    const service = await startTestService({ ...expecting, APP_AUTH_JWKS_URL: keyServer.url.href });
    cleaning.push(() => service.close());
    return service.baseUrl;
  };

  it("starts without keys, answers what is open, and says of tokens that it cannot tell", async () => {
    const url = await start();
    for (const protocol of protocols) {
      expect((await callOnce(protocol, url, listConcerts, {})).outcome).toMatchObject({ ok: true });
    }
    expect(keyServer.asked).toBe(0);
    for (const protocol of protocolsOf(getUserBookings)) {
      const options = await someone(old, "1");
      expectRefusal(protocol, await callOnce(protocol, url, getUserBookings, {}, options), unavailable);
      expectRefusal(protocol, await callOnce(protocol, url, listConcerts, {}, options), unavailable);
    }
    // Its health is that of the service, which cannot mend its issuer.
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(keyServer.asked).toBe(1);
  });
});

describe("with hardly a pause between looks", () => {
  const start = async () => {
    const rules = { issuer, audience, algorithms: ["ES256", "RS256"], clockToleranceMs: 5_000 };
    const lag = createLagMeter();
    const ignore = () => {};
    const interceptors = createInterceptors([ConcertService], {
      ruleOf: readAccessRules([ConcertService]),
      ...{ logger: createLogger({ level: "silent" }), requestTimeoutMs: 10_000, lag },
      tokens: createTokenVerifier(rules, keysFromUrl(keyServer.url, ignore, { timeoutMs: 3_000, lookAgainMs: 20 })),
      rates: createRateLimits({ reads: 0, bookings: 0, admin: 0, callersPerAddress: 20 }, undefined, ignore),
      fairShare: createFairShare(1_000),
    });
    const app = await serveApp({ getConcert: ({ id }) => ({ id }) }, { interceptors });
    cleaning.push(
      () => lag.close(),
      () => app.close(),
    );
    return async (by: TokenIssuer, kid: string) => {
      const answer = await callOnce("gRPC", app.baseUrl, getConcert, { id: 7n }, await someone(by, kid));
      return answer.outcome.ok ? "ok" : answer.outcome.reason;
    };
  };

  it("a service takes tokens as soon as there are keys", async () => {
    const call = await start();
    expect(await call(old, "1")).toBe("KEYS_UNAVAILABLE");
    keyServer.publish(await old.jwk("1"));
    await vi.waitUntil(async () => (await call(old, "1")) === "ok", { timeout: 10_000 });
  });

  it("a service goes on with the keys that it has when looks for others fail", async () => {
    const call = await start();
    keyServer.publish(await old.jwk("1"));
    expect(await call(old, "1")).toBe("ok");
    keyServer.goDown();
    const { asked } = keyServer;
    // An unknown id makes it look.
    await vi.waitUntil(
      async () => {
        expect(await call(next, "2")).toBe("UNAUTHENTICATED");
        return keyServer.asked > asked;
      },
      { timeout: 10_000 },
    );
    expect(await call(old, "1")).toBe("ok");
    expect(await call(next, "1")).toBe("UNAUTHENTICATED");
  });

  it("a service takes a new key when the issuer does, and leaves the old one when the issuer does", async () => {
    const call = await start();
    keyServer.publish(await old.jwk("1"));
    expect(await call(old, "1")).toBe("ok");
    keyServer.publish(await next.jwk("2"), await old.jwk("1"));
    await vi.waitUntil(async () => (await call(next, "2")) === "ok", { timeout: 10_000 });
    expect(await call(old, "1")).toBe("ok");

    keyServer.publish(await next.jwk("2"));
    // An unknown id makes it look.
    await vi.waitUntil(
      async () => {
        await call(old, "3");
        return (await call(old, "1")) === "UNAUTHENTICATED";
      },
      { timeout: 10_000 },
    );
    expect(await call(next, "2")).toBe("ok");
  });
});

/** A service whose issuer's key server is down at the start, and later. */
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { BookingSchema } from "../gen/frontrow/v1/booking_pb.ts";
import { ConcertSchema } from "../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { type KeyFetching, keysFromUrl } from "../src/auth/jwks.ts";
import { createTokenVerifier } from "../src/auth/tokens.ts";
import { ignoreEvents } from "../src/domain/publish.ts";
import { rightRequest, scenarios } from "./methods/index.ts";
import { type KeyServer, startKeyServer } from "./support/auth/keys.ts";
import { audience, bearer, createTokenIssuer, expecting, issuer, type TokenIssuer } from "./support/auth/tokens.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { protocols } from "./support/protocols/protocols.ts";
import { expectRefusal } from "./support/scenario/expected-answers.ts";
import { createMatrix, protocolsOf } from "./support/scenario/matrix.ts";
import { openTestGuards } from "./support/service/guards.ts";
import { serveApp } from "./support/service/served-app.ts";
import { startTestService } from "./support/service/service.ts";

const { getConcert, listConcerts } = ConcertService.method;

const unavailable = {
  reason: "KEYS_UNAVAILABLE",
  message: "tokens cannot be checked at the moment; nothing was stored, repeat in a moment",
} as const;

let old: TokenIssuer;
let next: TokenIssuer;
let keyServer: KeyServer;
const cleaning: (() => unknown)[] = [];
/** The delay in the last response with a RetryInfo. */
let lastDelayMs: number | undefined;

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
/** The headers of a new subject, whose token is in no cache. */
const someone = async ({ sign }: TokenIssuer, kid: string) => ({
  headers: bearer(await sign({ sub: `user-${users++}`, scope: "bookings:read" }, { kid })),
});

describe("a whole service", () => {
  const start = async () => {
    const service = await startTestService({ ...expecting, APP_AUTH_JWKS_URL: keyServer.url.href });
    cleaning.push(() => service.close());
    return service.baseUrl;
  };

  it("starts without keys, answers open methods, and rejects tokens with KEYS_UNAVAILABLE", async () => {
    const url = await start();
    for (const protocol of protocols) {
      expect((await callOnce(protocol, url, listConcerts, {})).outcome).toMatchObject({ ok: true });
    }
    expect(keyServer.asked).toBe(0);
    const matrix = createMatrix();
    const booking = create(BookingSchema, { id: 1n });
    const existing = { concert: create(ConcertSchema, { id: 1n }), booking, hold: booking };
    for (const scenario of scenarios) {
      const { method } = scenario;
      const request = rightRequest(scenario, existing);
      for (const protocol of protocolsOf(method)) {
        const options = await someone(old, "1");
        expectRefusal(protocol, await callOnce(protocol, url, method, request, options), unavailable);
        matrix.fill(method, protocol, "KEYS_UNAVAILABLE");
      }
    }
    matrix.expectComplete(() => ["KEYS_UNAVAILABLE"]);
    // Its health is that of the service, which cannot mend its issuer.
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(keyServer.asked).toBe(1);
  });
});

/** Starts a service that fetches keys with these pauses. Returns a function that calls it with a new token. */
async function startBriefly(fetching: KeyFetching) {
  const algorithms = ["ES256", "RS256"];
  const rules = { issuer, audiences: [audience], algorithms, clockToleranceMs: 5_000, scopeClaims: ["scope"] };
  const tokens = createTokenVerifier(rules, keysFromUrl(keyServer.url, ignoreEvents, fetching), ignoreEvents);
  const interceptors = await openTestGuards([ConcertService], { tokens });
  const app = await serveApp({ getConcert: ({ id }) => ({ id }) }, { interceptors, trustedProxies: ["127.0.0.1"] });
  cleaning.push(() => app.close());
  return async (by: TokenIssuer, kid: string, address = "192.0.2.1") => {
    const { headers } = await someone(by, kid);
    const options = { headers: { ...headers, "x-forwarded-for": address } };
    const { outcome, exchange } = await callOnce("REST", app.baseUrl, getConcert, { id: 7n }, options);
    if (outcome.ok) return "ok";
    if (outcome.retryDelayMs !== undefined) {
      expect(exchange?.headers.get("retry-after")).toBe(String(Math.ceil(outcome.retryDelayMs / 1_000)));
      lastDelayMs = outcome.retryDelayMs;
    }
    return outcome.reason;
  };
}

describe("with short pauses between fetches", () => {
  const start = () => startBriefly({ timeoutMs: 3_000, pauseMs: 20, minPauseMs: 20 });

  it("a service accepts tokens as soon as there are keys", async () => {
    const call = await start();
    expect(await call(old, "1")).toBe("KEYS_UNAVAILABLE");
    keyServer.publish(await old.jwk("1"));
    await vi.waitUntil(async () => (await call(old, "1")) === "ok", { timeout: 10_000 });
  });

  it("a service keeps its keys when fetches fail", async () => {
    const call = await start();
    keyServer.publish(await old.jwk("1"));
    expect(await call(old, "1")).toBe("ok");
    keyServer.goDown();
    const { asked } = keyServer;
    // An unknown id makes it look.
    await vi.waitUntil(
      async () => {
        expect(await call(next, "2")).toBe("KEYS_UNAVAILABLE");
        return keyServer.asked > asked;
      },
      { timeout: 10_000 },
    );
    expect(await call(old, "1")).toBe("ok");
    expect(await call(next, "1")).toBe("UNAUTHENTICATED");
  });

  it("a service accepts the issuer's new key, and rejects a key that the issuer has removed", async () => {
    const call = await start();
    keyServer.publish(await old.jwk("1"));
    expect(await call(old, "1")).toBe("ok");
    keyServer.publish(await next.jwk("2"), await old.jwk("1"));
    await vi.waitUntil(async () => (await call(next, "2")) === "ok", { timeout: 10_000 });
    expect(await call(old, "1")).toBe("ok");

    keyServer.publish(await next.jwk("2"));
    const { asked } = keyServer;
    // An unknown id makes it look.
    await vi.waitUntil(
      async () => {
        await call(old, "3");
        return keyServer.asked > asked;
      },
      { timeout: 10_000 },
    );
    await vi.waitUntil(async () => (await call(old, "1")) === "UNAUTHENTICATED", { timeout: 10_000 });
    expect(await call(next, "2")).toBe("ok");
  });
});

describe("a service whose issuer adds a key during a flood of tokens with unknown keys", () => {
  const attacker = "198.51.100.1";

  it("rejects calls from the flood's address until another address has caused a fetch", async () => {
    const call = await startBriefly({ timeoutMs: 3_000, pauseMs: 600_000, minPauseMs: 1 });
    keyServer.publish(await old.jwk("1"));
    expect(await call(old, "1")).toBe("ok");
    // Once the least pause is over its token causes a look, which settles that the token is not good.
    await vi.waitUntil(async () => (await call(next, "forged", attacker)) === "UNAUTHENTICATED", {
      timeout: 10_000,
    });
    const { asked } = keyServer;

    keyServer.publish(await old.jwk("1"), await next.jwk("2"));
    for (let i = 0; i < 10; i++) expect(await call(next, "2", attacker)).toBe("KEYS_UNAVAILABLE");
    expect(lastDelayMs).toBeGreaterThan(1_000);
    expect(lastDelayMs).toBeLessThanOrEqual(600_000);
    expect(keyServer.asked).toBe(asked);

    expect(await call(next, "2")).toBe("ok");
    expect(await call(next, "2", attacker)).toBe("ok");
  });

  it("answers with a retry delay while no address may cause a fetch", async () => {
    const call = await startBriefly({ timeoutMs: 3_000, pauseMs: 600_000, minPauseMs: 300_000 });
    keyServer.publish(await old.jwk("1"));
    expect(await call(old, "1")).toBe("ok");
    keyServer.publish(await old.jwk("1"), await next.jwk("2"));
    for (const address of ["192.0.2.1", attacker]) expect(await call(next, "2", address)).toBe("KEYS_UNAVAILABLE");
    expect(lastDelayMs).toBeGreaterThan(1_000);
    expect(lastDelayMs).toBeLessThanOrEqual(300_000);
    expect(await call(old, "1")).toBe("ok");
    expect(keyServer.asked).toBe(1);
  });
});

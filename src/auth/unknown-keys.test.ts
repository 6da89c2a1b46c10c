/** Tokens whose keys are not in the key set in use: forged ones, and valid ones after the issuer has added a key. */
import type { ServerResponse } from "node:http";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type KeyServer, startKeyServer } from "../../test/support/auth/keys.ts";
import { audience, type Claims, createTokenIssuer, issuer, type TokenIssuer } from "../../test/support/auth/tokens.ts";
import { ignoreEvents } from "../domain/publish.ts";
import { keysFromUrl } from "./jwks.ts";
import { createTokenVerifier, type TokenVerifier } from "./tokens.ts";

const algorithms = ["ES256", "RS256"];
const rules = { issuer, audiences: [audience], algorithms, clockToleranceMs: 5_000, scopeClaims: ["scope"] };
/** Between fetches that one address causes, and between any two fetches. */
const [addressPauseMs, minPauseMs] = [10_000, 1_000];
const [attacker, neighbour] = ["198.51.100.1", "192.0.2.1"];

let old: TokenIssuer;
let next: TokenIssuer;
let server: KeyServer;
let verifier: TokenVerifier;
let count = 0;

beforeAll(async () => {
  old = await createTokenIssuer();
  next = await createTokenIssuer();
});
beforeEach(async () => {
  // The network's own timers stay real.
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  server = await startKeyServer();
  server.publish(await old.jwk("1"));
  verifier = createTokenVerifier(rules, keysFromUrl(server.url, ignoreEvents), ignoreEvents);
  expect(await verify(old, "1")).toBe("ok");
});
afterEach(async () => {
  await server.close();
  vi.useRealTimers();
});

const passes = (milliseconds: number) => void vi.advanceTimersByTime(milliseconds);
const rotate = async () => server.publish(await old.jwk("1"), await next.jwk("2"));

/** `ok`, UNAUTHENTICATED, or for how long to wait. */
async function verify(by: TokenIssuer, kid: unknown, address = neighbour, claims: Claims = {}) {
  const token = await by.sign({ sub: `user-${count++}`, ...claims }, { kid });
  try {
    await verifier.verify(token, address);
    return "ok";
  } catch (error) {
    const { failure } = error as { failure?: { reason: string; retryDelayMs?: number } };
    return failure?.reason === "KEYS_UNAVAILABLE" ? (failure.retryDelayMs ?? "no delay") : (failure?.reason ?? error);
  }
}
const forged = (address = attacker) => verify(next, `unknown-${count}`, address);

/** Five forged tokens a second, for so long. */
async function flood(seconds: number, addressOf: (index: number) => string): Promise<void> {
  for (let i = 0; i < seconds * 5; i++) {
    await forged(addressOf(i));
    passes(200);
  }
}

describe("a token with an unknown key", () => {
  test("is rejected when the set that was fetched for it does not have the key", async () => {
    passes(minPauseMs);
    expect(await forged()).toBe("UNAUTHENTICATED");
    expect(server.asked).toBe(2);
  });

  test("must be retried when the next fetch is allowed, since the issuer may have added the key", async () => {
    passes(1);
    expect(await forged()).toBe(minPauseMs - 1);
    await rotate();
    expect(await verify(next, "2")).toBe(minPauseMs - 1);
    passes(minPauseMs - 1);
    expect(await verify(next, "2")).toBe("ok");
    expect(server.asked).toBe(2);
  });

  test("is not rejected by a set that was requested before it arrived", async () => {
    passes(minPauseMs);
    const asked = Promise.withResolvers<ServerResponse>();
    server.answerWith(asked.resolve);
    const first = forged();
    const response = await asked.promise;
    passes(5);
    const second = verify(next, "2");
    // The second token waits for the same fetch by now.
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    response.end(JSON.stringify({ keys: [await old.jwk("1")] }));
    expect(await first).toBe("UNAUTHENTICATED");
    expect(await second).toBe(minPauseMs);
  });

  test("is reported as an unknown key, not as an unreachable key set", async () => {
    passes(1);
    const token = await next.sign({ sub: "nora" }, { kid: "2" });
    const failure = { reason: "KEYS_UNAVAILABLE", isKeyUnknown: true };
    await expect(verifier.verify(token, attacker)).rejects.toMatchObject({ failure });
  });

  test("must be retried later while the issuer does not answer", async () => {
    passes(minPauseMs);
    server.goDown();
    expect(await verify(next, "2")).toBe(addressPauseMs);
    passes(4_000);
    expect(await verify(next, "2", attacker)).toBe(addressPauseMs - 4_000);
    expect(await verify(old, "1")).toBe("ok");
    await rotate();
    passes(6_000);
    expect(await verify(next, "2", attacker)).toBe("ok");
  });

  test.each<[name: string, by: () => Promise<TokenIssuer>, kid: unknown, claims: Claims]>([
    ["another algorithm for a known id", () => createTokenIssuer("RS256"), "1", {}],
    ["a number for an id", async () => next, 2, {}],
    ["another issuer", async () => next, "2", { iss: "https://staging.example" }],
    ["expired", async () => next, "2", { exp: 1 }],
  ])("is rejected without a fetch if it is invalid whatever its key is: %s", async (_name, by, kid, claims) => {
    passes(minPauseMs);
    expect(await verify(await by(), kid, neighbour, claims)).toBe("UNAUTHENTICATED");
    expect(server.asked).toBe(1);
  });
});

describe("a flood of tokens with unknown keys", () => {
  test("from one address causes one fetch in ten seconds, and does not delay new keys of other addresses", async () => {
    await flood(25, () => attacker);
    expect(server.asked).toBe(4);
    await rotate();
    expect(await verify(next, "2")).toBe("ok");
  });

  test("from one address delays valid tokens of the same address, and rejects none", async () => {
    passes(minPauseMs);
    expect(await forged()).toBe("UNAUTHENTICATED");
    await rotate();
    passes(500);
    expect(await verify(next, "2", attacker)).toBe(addressPauseMs - 500);
    // Another address has another pause. Its fetch serves all.
    expect(await verify(next, "2")).toBe(minPauseMs - 500);
    passes(500);
    expect(await verify(next, "2")).toBe("ok");
    expect(await verify(next, "2", attacker)).toBe("ok");
  });

  test("from many addresses causes one fetch a second, and delays new keys by a second at most", async () => {
    await flood(20, (i) => `203.0.113.${i}`);
    expect(server.asked).toBe(20);
    expect(await forged("203.0.113.100")).toBe("UNAUTHENTICATED");
    await rotate();
    passes(200);
    expect(await verify(next, "2")).toBe(minPauseMs - 200);
    for (let i = 1; i < 5; i++) {
      expect(await forged(`203.0.113.${100 + i}`)).toBe(minPauseMs - i * 200);
      passes(200);
    }
    // The next fetch serves all, also if a forged token causes it.
    expect(await forged("203.0.113.110")).toBe("UNAUTHENTICATED");
    expect(await verify(next, "2")).toBe("ok");
    expect(server.asked).toBe(22);
  });

  test("from one IPv6 /64 counts as one address", async () => {
    await flood(9, (i) => `2001:db8::${i.toString(16)}`);
    expect(server.asked).toBe(2);
  });
});

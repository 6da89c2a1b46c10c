/** Tokens whose keys are not in our copy of the issuer's set: forged ones, and good ones after the issuer added a key. */
import type { ServerResponse } from "node:http";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { audience, type Claims, createTokenIssuer, issuer, type TokenIssuer } from "../../test/support/tokens.ts";
import { type KeyServer, startKeyServer } from "../../test/support/tokens-keys.ts";
import { keysFromUrl } from "./jwks.ts";
import { createTokenVerifier, type TokenVerifier } from "./tokens.ts";

const algorithms = ["ES256", "RS256"];
const rules = { issuer, audience, algorithms, clockToleranceMs: 5_000, scopeClaims: ["scope"] };
/** Between looks for the sake of one address, and between any two looks. */
const [addressPauseMs, leastPauseMs] = [10_000, 1_000];
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
  verifier = createTokenVerifier(
    rules,
    keysFromUrl(server.url, () => {}),
  );
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
  test("is refused once the set that was fetched for it does not have the key", async () => {
    passes(leastPauseMs);
    expect(await forged()).toBe("UNAUTHENTICATED");
    expect(server.asked).toBe(2);
  });

  test("waits until the issuer may be asked again, since the issuer may have added the key meanwhile", async () => {
    passes(1);
    expect(await forged()).toBe(leastPauseMs - 1);
    await rotate();
    expect(await verify(next, "2")).toBe(leastPauseMs - 1);
    passes(leastPauseMs - 1);
    expect(await verify(next, "2")).toBe("ok");
    expect(server.asked).toBe(2);
  });

  test("is not refused by a set that was asked for before it came", async () => {
    passes(leastPauseMs);
    const asked = Promise.withResolvers<ServerResponse>();
    server.answerWith(asked.resolve);
    const first = forged();
    const response = await asked.promise;
    passes(5);
    const second = verify(next, "2");
    // The second token has joined the look by now.
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    response.end(JSON.stringify({ keys: [await old.jwk("1")] }));
    expect(await first).toBe("UNAUTHENTICATED");
    expect(await second).toBe(leastPauseMs);
  });

  test("is reported as an unknown key, and not as keys that cannot be had", async () => {
    passes(1);
    const token = await next.sign({ sub: "nora" }, { kid: "2" });
    const failure = { reason: "KEYS_UNAVAILABLE", isKeyUnknown: true };
    await expect(verifier.verify(token, attacker)).rejects.toMatchObject({ failure });
  });

  test("waits for longer while the issuer does not answer", async () => {
    passes(leastPauseMs);
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
  ])("is refused without a look if it cannot be good anyway: %s", async (_name, by, kid, claims) => {
    passes(leastPauseMs);
    expect(await verify(await by(), kid, neighbour, claims)).toBe("UNAUTHENTICATED");
    expect(server.asked).toBe(1);
  });
});

describe("a flood of tokens with unknown keys", () => {
  test("from one address causes one look in ten seconds, and does not delay new tokens of others", async () => {
    await flood(25, () => attacker);
    expect(server.asked).toBe(4);
    await rotate();
    expect(await verify(next, "2")).toBe("ok");
  });

  test("from one address keeps good tokens of the same address waiting, and refuses none", async () => {
    passes(leastPauseMs);
    expect(await forged()).toBe("UNAUTHENTICATED");
    await rotate();
    passes(500);
    expect(await verify(next, "2", attacker)).toBe(addressPauseMs - 500);
    // Another address has another pause. Its look serves all.
    expect(await verify(next, "2")).toBe(leastPauseMs - 500);
    passes(500);
    expect(await verify(next, "2")).toBe("ok");
    expect(await verify(next, "2", attacker)).toBe("ok");
  });

  test("from many addresses makes it look once a second, and keeps new tokens waiting for a second at most", async () => {
    await flood(20, (i) => `203.0.113.${i}`);
    expect(server.asked).toBe(20);
    expect(await forged("203.0.113.100")).toBe("UNAUTHENTICATED");
    await rotate();
    passes(200);
    expect(await verify(next, "2")).toBe(leastPauseMs - 200);
    for (let i = 1; i < 5; i++) {
      expect(await forged(`203.0.113.${100 + i}`)).toBe(leastPauseMs - i * 200);
      passes(200);
    }
    // The next look serves all, also if a forged token causes it.
    expect(await forged("203.0.113.110")).toBe("UNAUTHENTICATED");
    expect(await verify(next, "2")).toBe("ok");
    expect(server.asked).toBe(22);
  });

  test("from one customer's IPv6 addresses is one address's", async () => {
    await flood(9, (i) => `2001:db8::${i.toString(16)}`);
    expect(server.asked).toBe(2);
  });
});

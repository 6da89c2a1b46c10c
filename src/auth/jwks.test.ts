import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type KeyServer, startKeyServer } from "../../test/support/auth/keys.ts";
import { audience, createTokenIssuer, issuer, type TokenIssuer } from "../../test/support/auth/tokens.ts";
import { type RecordedEvents, recordEvents } from "../../test/support/unit/events.ts";
import { ignoreEvents } from "../domain/publish.ts";
import type { AuthEvents } from "./events.ts";
import { keyFromPem, keysFromUrl, TokenKeyError } from "./jwks.ts";
import { createTokenVerifier, type TokenVerifier } from "./tokens.ts";

const rules = {
  issuer,
  audiences: [audience],
  algorithms: ["ES256", "RS256"],
  clockToleranceMs: 5_000,
  scopeClaims: ["scope"],
};
const pauseMs = 10_000;
const minPauseMs = 1_000;

let old: TokenIssuer;
let next: TokenIssuer;
let server: KeyServer;
let events: RecordedEvents<AuthEvents>;
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
  events = recordEvents();
  verifier = createTokenVerifier(rules, keysFromUrl(server.url, events.publish), ignoreEvents);
});
afterEach(async () => {
  await server.close();
  vi.useRealTimers();
});

/** How many failed fetches were published. */
const failures = () => events.of("auth.keys_unreachable").length;
/** A token that has not been seen before. */
const tokenOf = ({ sign }: TokenIssuer, kid: string) => sign({ sub: `user-${count++}` }, { kid });
/** `ok`, or the reason why not. */
const verify = async (by: TokenIssuer, kid: string, checker = verifier, address = "192.0.2.1") =>
  checker.verify(await tokenOf(by, kid), address).then(
    () => "ok",
    (error) => error.failure?.reason ?? error,
  );

describe("keys from a URL", () => {
  test("are fetched when the first token arrives, and once", async () => {
    server.publish(await old.jwk("1"));
    expect(server.asked).toBe(0);
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(old, "1")));
    expect(new Set(answers)).toEqual(new Set(["ok"]));
    expect(server.asked).toBe(1);
  });

  test("can be missing at first, and are fetched again after the pause", async () => {
    for (let i = 0; i < 20; i++) expect(await verify(old, "1")).toBe("KEYS_UNAVAILABLE");
    expect([server.asked, failures()]).toEqual([1, 1]);

    server.publish(await old.jwk("1"));
    vi.advanceTimersByTime(pauseMs - 1);
    expect(await verify(old, "1")).toBe("KEYS_UNAVAILABLE");
    vi.advanceTimersByTime(1);
    expect(await verify(old, "1")).toBe("ok");
    expect(server.asked).toBe(2);
  });

  test("stay in use while fetches fail", async () => {
    server.publish(await old.jwk("1"));
    expect(await verify(old, "1")).toBe("ok");
    server.goDown();
    // Past the age at which they are fetched again.
    vi.advanceTimersByTime(11 * 60_000);
    for (let i = 0; i < 5; i++) expect(await verify(old, "1")).toBe("ok");
    vi.advanceTimersByTime(1);
    expect(await verify(next, "2")).toBe("KEYS_UNAVAILABLE");
    expect(await verify(next, "1")).toBe("UNAUTHENTICATED");
    expect([server.asked, failures()]).toEqual([2, 1]);
  });

  test("stay in use for an hour while fetches fail, and no longer", async () => {
    server.publish(await old.jwk("1"));
    expect(await verify(old, "1")).toBe("ok");
    server.goDown();
    vi.advanceTimersByTime(60 * 60_000 - 1);
    expect(await verify(old, "1")).toBe("ok");
    vi.advanceTimersByTime(1);
    expect(await verify(old, "1")).toBe("KEYS_UNAVAILABLE");
    server.publish(await old.jwk("1"));
    vi.advanceTimersByTime(pauseMs);
    expect(await verify(old, "1")).toBe("ok");
  });

  test("may change without a restart", async () => {
    server.publish(await old.jwk("1"));
    expect(await verify(old, "1")).toBe("ok");
    vi.advanceTimersByTime(pauseMs);
    server.publish(await old.jwk("1"), await next.jwk("2"));
    expect(await verify(next, "2")).toBe("ok");
    expect(await verify(old, "1")).toBe("ok");

    server.publish(await next.jwk("2"));
    vi.advanceTimersByTime(10 * 60_000);
    expect(await verify(next, "2")).toBe("ok");
    expect(await verify(old, "1")).toBe("UNAUTHENTICATED");
  });

  test("with a known id reject a token that another key has signed", async () => {
    server.publish(await old.jwk("1"));
    expect(await verify(next, "1")).toBe("UNAUTHENTICATED");
  });
});

const broken: readonly [name: string, answer: Parameters<KeyServer["answerWith"]>[0]][] = [
  ["an error", (response) => void response.writeHead(500).end('{"keys":[]}')],
  ["no content", (response) => void response.writeHead(204).end()],
  ["a page", (response) => void response.end("<html>Sign in</html>")],
  ["half a set", (response) => void response.end('{"keys":[')],
  ["no set", (response) => void response.end('{"jwks":[]}')],
  ["a list", (response) => void response.end("[]")],
  ["keys that are not objects", (response) => void response.end('{"keys":[1]}')],
  ["nothing", (response) => void response.end()],
  [
    "a response that breaks off",
    (response) => {
      response.writeHead(200, { "content-length": 100 }).write('{"keys":[');
      response.socket?.end();
    },
  ],
];

describe("a key server that is broken", () => {
  test.each(broken)("is asked once a pause if it answers with %s", async (_name, answer) => {
    server.answerWith(answer);
    for (let i = 0; i < 5; i++) expect(await verify(old, "1")).toBe("KEYS_UNAVAILABLE");
    expect([server.asked, failures()]).toEqual([1, 1]);

    vi.advanceTimersByTime(pauseMs);
    server.publish(await old.jwk("1"));
    expect(await verify(old, "1")).toBe("ok");
    // The keys from before stay in use.
    server.answerWith(answer);
    vi.advanceTimersByTime(11 * 60_000);
    for (let i = 0; i < 5; i++) expect(await verify(old, "1")).toBe("ok");
    expect([server.asked, failures()]).toEqual([3, 2]);
  });

  test("cannot redirect the fetch", async () => {
    const elsewhere = await startKeyServer();
    elsewhere.publish(await old.jwk("1"));
    for (const status of [301, 302, 303, 307, 308]) {
      server.answerWith((response) => void response.writeHead(status, { location: elsewhere.url.href }).end());
      expect(await verify(old, "1")).toBe("KEYS_UNAVAILABLE");
      vi.advanceTimersByTime(pauseMs);
    }
    expect([server.asked, elsewhere.asked]).toEqual([5, 0]);
    await elsewhere.close();
  });

  test.each(["before the headers", "within the body"])("times out %s", async (where) => {
    server.answerWith((response) => {
      if (where === "within the body") response.write('{"keys":[');
    });
    const impatient = { timeoutMs: 50, pauseMs, minPauseMs };
    const keys = keysFromUrl(server.url, ignoreEvents, impatient);
    const checker = createTokenVerifier(rules, keys, ignoreEvents);
    const answers = await Promise.all(Array.from({ length: 5 }, () => verify(old, "1", checker)));
    expect(new Set(answers)).toEqual(new Set(["KEYS_UNAVAILABLE"]));
    expect(server.asked).toBe(1);
  });

  describe("that hangs", () => {
    // A call that waited for it would wait for longer than the test may take.
    const patient = { timeoutMs: 60 * 60_000, pauseMs, minPauseMs };
    const patientVerifier = () =>
      createTokenVerifier(rules, keysFromUrl(server.url, ignoreEvents, patient), ignoreEvents);

    test("is not waited for while its keys are fresh", async () => {
      const checker = patientVerifier();
      server.publish(await old.jwk("1"));
      expect(await verify(old, "1", checker)).toBe("ok");
      server.answerWith(() => {});
      vi.advanceTimersByTime(59_999);
      for (let i = 0; i < 5; i++) expect(await verify(old, "1", checker)).toBe("ok");
      await vi.waitFor(() => expect(server.asked).toBe(2));
    });

    test("is not waited for after a failed fetch", async () => {
      const checker = patientVerifier();
      server.publish(await old.jwk("1"));
      expect(await verify(old, "1", checker)).toBe("ok");
      server.goDown();
      vi.advanceTimersByTime(60_000);
      expect(await verify(old, "1", checker)).toBe("ok");
      server.answerWith(() => {});
      vi.advanceTimersByTime(pauseMs);
      for (let i = 0; i < 5; i++) expect(await verify(old, "1", checker)).toBe("ok");
      await vi.waitFor(() => expect(server.asked).toBe(3));
    });

    test("is waited for by a token with an unknown key, which may be new", async () => {
      const checker = patientVerifier();
      server.publish(await old.jwk("1"));
      expect(await verify(old, "1", checker)).toBe("ok");
      const asked = Promise.withResolvers<ServerResponse>();
      server.answerWith(asked.resolve);
      vi.advanceTimersByTime(pauseMs);
      const waiting = verify(next, "2", checker);
      const response = await asked.promise;
      expect(await verify(old, "1", checker)).toBe("ok");
      response.end(JSON.stringify({ keys: [await next.jwk("2")] }));
      expect(await waiting).toBe("ok");
    });
  });

  test("cannot send an endless response", async () => {
    let written = 0;
    let closed = false;
    server.answerWith((response) => {
      response.once("close", () => {
        closed = true;
      });
      const padding = `"${"x".repeat(64 * 1024)}",`;
      const go = () => {
        // Bounded, so that the test ends whatever happens.
        while (!closed && written < 512 * 1024 * 1024) {
          written += padding.length;
          if (!response.write(padding)) return void response.once("drain", go);
        }
        response.end("]}");
      };
      response.write('{"keys":[');
      go();
    });
    expect(await verify(old, "1")).toBe("KEYS_UNAVAILABLE");
    expect(String(events.of("auth.keys_unreachable")[0]?.error)).toContain("longer than 262144 bytes");
    while (!closed) await setImmediate();
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("an unusable key", () => {
  const unusable = [
    [
      "too short",
      async () => ({
        ...generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }),
        kid: "1",
      }),
    ],
    ["made up", async () => ({ kty: "RSA", n: "AAAA", e: "AQAB", kid: "1" })],
    ["cut short", async () => ({ ...(await old.jwk("1")), x: "AAAA" })],
    ["for encryption", async () => ({ ...(await old.jwk("1")), use: "enc" })],
    ["a shared secret", async () => ({ kty: "oct", k: "c2VjcmV0", kid: "1" })],
  ] as const;

  test.each(unusable)("accepts no token, and causes no INTERNAL error: %s", async (_name, jwk) => {
    const rsa = await createTokenIssuer("RS256");
    server.publish(await jwk());
    for (const by of [old, rsa]) expect(["UNAUTHENTICATED", "KEYS_UNAVAILABLE"]).toContain(await verify(by, "1"));
  });
});

describe("a key from its PEM text", () => {
  const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }) as string;

  test("is used for each algorithm that it fits", async () => {
    const rsa = await createTokenIssuer("RS256");
    const key = await keyFromPem(rsa.pem, ["RS256", "PS256", "ES256"]);
    const checker = createTokenVerifier({ ...rules, algorithms: ["RS256", "PS256", "ES256"] }, key, ignoreEvents);
    expect(await verify(rsa, "any", checker)).toBe("ok");
    expect(await verify(old, "any", checker)).toBe("UNAUTHENTICATED");
  });

  test.each([
    ["not PEM", () => "a key"],
    ["a certificate", () => "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"],
    ["broken", () => "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"],
    ["for other algorithms", () => pem(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey)],
    ["for key agreement", () => pem(generateKeyPairSync("x25519").publicKey)],
    ["too short", () => pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey)],
  ])("ends the start with a TokenKeyError if it is %s", async (_name, text) => {
    const refused = keyFromPem(text(), ["RS256", "ES256"]);
    await expect(refused).rejects.toThrow(TokenKeyError);
    await expect(refused).rejects.toThrow("APP_AUTH_PUBLIC_KEY");
  });
});

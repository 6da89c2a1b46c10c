/** Tokens without a `kid`, whose key is one of those in the issuer's set that fit their algorithm. */
import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type KeyServer, startKeyServer } from "../../test/support/auth/keys.ts";
import { audience, createTokenIssuer, issuer, type TokenIssuer } from "../../test/support/auth/tokens.ts";
import { ignoreEvents } from "../domain/publish.ts";
import { keysFromUrl } from "./jwks.ts";
import { createTokenVerifier, type TokenVerifier } from "./tokens.ts";

const algorithms = ["ES256", "RS256"];
const rules = { issuer, audiences: [audience], algorithms, clockToleranceMs: 5_000, scopeClaims: ["scope"] };

let old: TokenIssuer;
let next: TokenIssuer;
let server: KeyServer;
let verifier: TokenVerifier;

beforeAll(async () => {
  old = await createTokenIssuer();
  next = await createTokenIssuer();
});
beforeEach(async () => {
  server = await startKeyServer();
  verifier = createTokenVerifier(rules, keysFromUrl(server.url, ignoreEvents), ignoreEvents);
});
afterEach(() => server.close());

/** `ok`, or the reason why not. */
const verify = async (by: TokenIssuer) =>
  verifier.verify(await by.sign({ sub: "nora" })).then(
    () => "ok",
    (error) => error.failure?.reason ?? error,
  );

test("a token without a kid is verified with every key of the set that fits its algorithm", async () => {
  const rsa = await createTokenIssuer("RS256");
  server.publish(await rsa.jwk("0"), await old.jwk("1"), await next.jwk("2"));
  for (const by of [rsa, old, next]) expect(await verify(by)).toBe("ok");
  expect(await verify(await createTokenIssuer())).toBe("UNAUTHENTICATED");
});

test("unusable keys of the set are skipped", async () => {
  const rsa = await createTokenIssuer("RS256");
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  server.publish({ kty: "RSA", n: "AAAA", e: "AQAB", kid: "0" }, { ...short, kid: "1" }, await rsa.jwk("2"));
  expect(await verify(rsa)).toBe("ok");
  expect(await verify(await createTokenIssuer("RS256"))).toBe("UNAUTHENTICATED");
});

test("a token without a kid is verified with at most four keys", async () => {
  const others = await Promise.all(Array.from({ length: 3 }, () => createTokenIssuer()));
  const keys = await Promise.all(others.map((each, i) => each.jwk(`other-${i}`)));
  server.publish(...keys, await old.jwk("8"), await next.jwk("9"));
  expect(await verify(old)).toBe("ok");
  expect(await verify(next)).toBe("UNAUTHENTICATED");
});

test("a token without a kid must fulfil all other rules", async () => {
  server.publish(await old.jwk("1"), await next.jwk("2"));
  const elsewhere = await next.sign({ sub: "nora", aud: "another" });
  await expect(verifier.verify(elsewhere)).rejects.toMatchObject({
    failure: { problem: "the token is for another service" },
  });
});

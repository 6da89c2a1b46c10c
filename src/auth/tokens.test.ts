import { errors, type JWTVerifyGetKey } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  audience,
  type Claims,
  createTokenIssuer,
  issuer,
  nowSeconds,
  type TokenIssuer,
} from "../../test/support/auth/tokens.ts";
import { DomainError } from "../domain/failure.ts";
import { ignoreEvents } from "../domain/publish.ts";
import { keyFromPem } from "./jwks.ts";
import { createTokenVerifier, type TokenVerifier } from "./tokens.ts";

const rules = { issuer, audiences: [audience], algorithms: ["ES256"], clockToleranceMs: 5_000, scopeClaims: ["scope"] };

let signer: TokenIssuer;
let goodKey: JWTVerifyGetKey;
/** How often the verifier has looked a key up. Cached tokens need no key. */
let lookups: number;
let key: JWTVerifyGetKey;
let verifier: TokenVerifier;

beforeAll(async () => {
  signer = await createTokenIssuer("ES256");
  goodKey = await keyFromPem(signer.pem, ["ES256"]);
});
beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2030-05-01T10:00:00Z"), toFake: ["Date", "setTimeout", "clearTimeout"] });
  // lru-cache has taken its clock before the timers were faked.
  vi.spyOn(performance, "now").mockImplementation(() => Date.now());
  lookups = 0;
  key = goodKey;
  const keyFor: JWTVerifyGetKey = (header, token) => {
    lookups++;
    return key(header, token);
  };
  verifier = createTokenVerifier(rules, keyFor, ignoreEvents);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const tokenOf = (claims: Claims = {}) => signer.sign({ sub: "nora", ...claims });
const passes = (seconds: number) => void vi.advanceTimersByTime(seconds * 1_000);
const refusal = (problem: string) => ({ failure: { reason: "UNAUTHENTICATED", problem } });

describe("a verified token", () => {
  test("is cached", async () => {
    const token = await tokenOf({ scope: "a b" });
    const first = await verifier.verify(token);
    // An hour, and the tolerance for clocks.
    const expiresAtMs = (nowSeconds() + 3_605) * 1_000;
    expect(first).toEqual({ subject: "nora", scopes: new Set(["a", "b"]), expiresAtMs });
    passes(299);
    expect(await verifier.verify(token)).toEqual(first);
    expect(lookups).toBe(1);
  });

  test("is rejected when it has expired and the tolerance for clocks is over", async () => {
    const token = await tokenOf({ exp: nowSeconds() + 60 });
    await verifier.verify(token);
    passes(64);
    await verifier.verify(token);
    expect(lookups).toBe(1);
    passes(2);
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal("the token has expired"));
  });

  test("is verified again after five minutes, so that a key can be withdrawn", async () => {
    const token = await tokenOf();
    await verifier.verify(token);
    key = () => {
      throw new errors.JWKSNoMatchingKey();
    };
    passes(299);
    await verifier.verify(token);
    passes(2);
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal("the token is not valid"));
    expect(lookups).toBe(2);
  });

  test("does not make a similar text valid", async () => {
    const token = await tokenOf();
    await verifier.verify(token);
    for (const other of [
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      `${token.slice(0, token.lastIndexOf("."))}.`,
    ]) {
      await expect(verifier.verify(other)).rejects.toMatchObject(refusal("the token is not valid"));
    }
  });
});

/** The last character has unused bits. This sets one of them: the decoded bytes stay the same. */
const bent = (part: string) => part.slice(0, -1) + String.fromCharCode(part.charCodeAt(part.length - 1) + 1);

describe("a verified token has no other valid text:", () => {
  test.each<[name: string, change: (header: string, payload: string, signature: string) => string]>([
    ["padding", (...parts) => `${parts.join(".")}==`],
    ["one padding character", (...parts) => `${parts.join(".")}=`],
    ["padding of the header", (header, ...parts) => `${[`${header}=`, ...parts].join(".")}`],
    ["padding of the payload", (header, payload, signature) => `${header}.${payload}=.${signature}`],
    ["unused bits of the signature", (header, payload, signature) => `${header}.${payload}.${bent(signature)}`],
    ["the other alphabet", (...parts) => parts.join(".").replaceAll("-", "+").replaceAll("_", "/")],
    ["a dot at the end", (...parts) => `${parts.join(".")}.`],
    ["a line break at the end", (...parts) => `${parts.join(".")}\n`],
  ])("%s", async (_name, change) => {
    // The two alphabets differ in these characters.
    let token = await tokenOf();
    while (!/-.*_|_.*-/.test(token.slice(token.lastIndexOf(".")))) token = await tokenOf();
    await verifier.verify(token);
    const [header = "", payload = "", signature = ""] = token.split(".");
    const other = change(header, payload, signature);
    expect(other).not.toBe(token);
    for (let i = 0; i < 2; i++) {
      await expect(verifier.verify(other)).rejects.toMatchObject(refusal("the token is not valid"));
    }
    expect(lookups).toBe(1);
  });
});

describe("tokens of one subject", () => {
  const most = 100;
  const verifyAll = async (tokens: readonly string[]) => {
    for (const token of tokens) await verifier.verify(token);
  };
  const tokensOf = (count: number, sub: string) =>
    Promise.all(Array.from({ length: count }, (_, i) => tokenOf({ sub, jti: `${i}` })));

  test("are cached up to a limit, the newest ones, so that one caller cannot fill the cache", async () => {
    const others = await tokensOf(1, "otto");
    const tokens = await tokensOf(most + 20, "nora");
    await verifyAll([...others, ...tokens]);
    expect(lookups).toBe(most + 21);
    await verifyAll([...others, ...tokens.slice(20)]);
    expect(lookups).toBe(most + 21);
    await verifyAll(tokens.slice(0, 1));
    expect(lookups).toBe(most + 22);
  });

  test("count once each, also when one is sent many times at once", async () => {
    const [first = "", ...tokens] = await tokensOf(most, "nora");
    await Promise.all(Array.from({ length: 5 }, () => verifier.verify(first)));
    await verifyAll(tokens);
    const before = lookups;
    await verifyAll([first, ...tokens]);
    expect(lookups).toBe(before);
  });

  test("leave room when they have expired", async () => {
    const early = await Promise.all(
      Array.from({ length: most }, (_, i) => tokenOf({ exp: nowSeconds() + 10, jti: `early-${i}` })),
    );
    await verifyAll(early);
    passes(60);
    const late = await tokensOf(most, "nora");
    await verifyAll([...late, ...late]);
    expect(lookups).toBe(2 * most);
  });
});

describe("a rejected token", () => {
  test("is verified again: it may have arrived too early, or before its key", async () => {
    const token = await tokenOf({ nbf: nowSeconds() + 60, iat: nowSeconds() });
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal("the token is not valid yet"));
    passes(56);
    await expect(verifier.verify(token)).resolves.toMatchObject({ subject: "nora" });

    const fresh = await tokenOf({ sub: "otto" });
    key = () => {
      throw new DomainError({ reason: "KEYS_UNAVAILABLE", retryDelayMs: 1_000 });
    };
    await expect(verifier.verify(fresh)).rejects.toMatchObject({ failure: { reason: "KEYS_UNAVAILABLE" } });
    key = goodKey;
    await expect(verifier.verify(fresh)).resolves.toMatchObject({ subject: "otto" });
  });

  test("with an iat in the future is accepted from that time on, the tolerance included", async () => {
    const token = await tokenOf({ iat: nowSeconds() + 10 });
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal("the token was issued in the future"));
    passes(5);
    await expect(verifier.verify(token)).resolves.toMatchObject({ subject: "nora" });
  });

  test("that is too long is not parsed", async () => {
    await expect(verifier.verify("x".repeat(8_193))).rejects.toMatchObject(refusal("the token is too long"));
    expect(lookups).toBe(0);
  });
});

test.each([
  [undefined, []],
  ["", []],
  ["a", ["a"]],
  [" a  b a ", ["a", "b"]],
  [
    ["a", "b", "a"],
    ["a", "b"],
  ],
  [["a", "", 42, null, ["b"], { c: "d" }], ["a"]],
  [{ a: true }, []],
  [42, []],
  ["bookings:admin,concerts:write", ["bookings:admin,concerts:write"]],
])("the scope %j allows %j", async (scope, scopes) => {
  expect((await verifier.verify(await tokenOf({ scope }))).scopes).toEqual(new Set(scopes));
});

describe("scopes in claims of other names", () => {
  const auth0 = "https://tickets.example.org/roles";
  test.each<[name: string, scopeClaims: readonly string[], claims: Claims, scopes: readonly string[]]>([
    ["an array, as Okta has it", ["scp"], { scp: ["a", "b"], scope: "c" }, ["a", "b"]],
    ["a text, as Entra has it", ["scp"], { scp: "a b" }, ["a", "b"]],
    ["several claims together", ["scp", "roles"], { scp: "a", roles: ["b", "a"], scope: "c" }, ["a", "b"]],
    ["a claim in an object, as Keycloak has it", ["realm_access.roles"], { realm_access: { roles: ["a"] } }, ["a"]],
    ["a URL, as Auth0 has it", [auth0], { [auth0]: ["a"] }, ["a"]],
    ["the exact name before the object", ["a.b"], { "a.b": "exact", a: { b: "nested" } }, ["exact"]],
    ["no claim that the token has", ["scp"], { scope: "a" }, []],
    ["an object where there is a text", ["scope.length"], { scope: "a" }, []],
    ["inherited members", ["constructor.name", "toString.name"], {}, []],
    ["an object too many", ["a.b.c"], { a: { b: ["c"] } }, []],
  ])("%s", async (_name, scopeClaims, claims, scopes) => {
    const checker = createTokenVerifier({ ...rules, scopeClaims }, goodKey, ignoreEvents);
    expect((await checker.verify(await tokenOf(claims))).scopes).toEqual(new Set(scopes));
  });
});

test("an unusable key is answered with KEYS_UNAVAILABLE, not with UNAUTHENTICATED", async () => {
  key = () => {
    throw new TypeError("RS256 requires key modulusLength to be 2048 bits or larger");
  };
  await expect(verifier.verify(await tokenOf())).rejects.toMatchObject({ failure: { reason: "KEYS_UNAVAILABLE" } });
});

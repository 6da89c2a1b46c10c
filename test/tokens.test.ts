/** Forged and malformed tokens, sent to a whole service. */
import { constants, createHmac, KeyObject, sign as signBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTokenService, type TokenService } from "./support/auth/service.ts";
import {
  allScopes,
  bearer,
  type Claims,
  createTokenIssuer,
  nowSeconds,
  payloadOf,
  type TokenIssuer,
} from "./support/auth/tokens.ts";

let service: TokenService;
let trusted: TokenIssuer;
let stranger: TokenIssuer;

beforeAll(async () => {
  // A key of RSA: confusion of keys begins with one, and several algorithms could take it.
  trusted = await createTokenIssuer("RS256");
  stranger = await createTokenIssuer("RS256");
  service = await startTokenService(trusted);
});
afterAll(() => service.close());

const notValid = "the token is not valid";
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const good: Claims = { sub: "nora", scope: allScopes };
const signed = (claims: Claims = {}, header = {}) => trusted.sign({ ...good, ...claims }, header);

/** A token of any header and payload, signed in any way, which no library makes. */
function forge(header: object, payload: unknown, sign: (text: string) => Buffer): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${sign(text).toString("base64url")}`;
}

const byHmac = (key: string | Buffer) => (text: string) => createHmac("sha256", key).update(text).digest();
const byTrusted = (text: string) => signBytes("sha256", Buffer.from(text), KeyObject.from(trusted.privateKey));
const der = () => Buffer.from(trusted.pem.replaceAll(/-----.*-----|\s/g, ""), "base64");

async function parts(): Promise<[header: string, payload: string, signature: string]> {
  const [header = "", payload = "", signature = ""] = (await signed()).split(".");
  return [header, payload, signature];
}

type Forgery = readonly [name: string, token: () => string | Promise<string>];
type BadToken = readonly [...Forgery, message: string];

const signatures: readonly Forgery[] = [
  ...["none", "None", "NONE", "nOnE", ""].map(
    (alg): Forgery => [`alg "${alg}"`, () => forge({ alg }, payloadOf(good), () => Buffer.alloc(0))],
  ),
  ["alg none with a signature", () => forge({ alg: "none" }, payloadOf(good), byTrusted)],
  ["no alg", () => forge({ typ: "JWT" }, payloadOf(good), byTrusted)],
  ["HS256 with the public key's PEM for a secret", () => forge({ alg: "HS256" }, payloadOf(good), byHmac(trusted.pem))],
  [
    "HS256 with the trimmed PEM for a secret",
    () => forge({ alg: "HS256" }, payloadOf(good), byHmac(trusted.pem.trim())),
  ],
  ["HS256 with the public key's bytes for a secret", () => forge({ alg: "HS256" }, payloadOf(good), byHmac(der()))],
  ["HS256 under the name of RS256", () => forge({ alg: "RS256" }, payloadOf(good), byHmac(trusted.pem))],
  ["a stranger's key", () => stranger.sign(good)],
  ["a stranger's key under the trusted one's id", () => stranger.sign(good, { kid: "1" })],
  ["no signature", async () => (await parts()).slice(0, 2).join(".")],
  ["an empty signature", async () => `${(await parts()).slice(0, 2).join(".")}.`],
  ["padding", async () => `${await signed()}==`],
  [
    "unused bits at the end of the signature",
    async () => {
      const token = await signed();
      return token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1);
    },
  ],
  ["a signature cut short", async () => (await signed()).slice(0, -4)],
  [
    "another token's signature",
    async () => `${(await parts()).slice(0, 2).join(".")}.${(await signed({ sub: "otto" })).split(".")[2]}`,
  ],
  [
    "a payload of one's own under a good signature",
    async () => {
      const [header, , signature] = await parts();
      return `${header}.${encode(payloadOf({ ...good, sub: "otto" }))}.${signature}`;
    },
  ],
  [
    "another algorithm of the same key in the header",
    async () => {
      const [, payload, signature] = await parts();
      return `${encode({ alg: "PS256" })}.${payload}.${signature}`;
    },
  ],
  [
    "an algorithm that is not allowed, though the key could do it",
    () =>
      forge({ alg: "RS512" }, payloadOf(good), (text) =>
        signBytes("sha512", Buffer.from(text), KeyObject.from(trusted.privateKey)),
      ),
  ],
  ["an allowed algorithm that is not the key's", async () => (await createTokenIssuer("ES256")).sign(good)],
  [
    "an extension that is critical and unknown",
    () => forge({ alg: "RS256", crit: ["urn:x"], "urn:x": true }, payloadOf(good), byTrusted),
  ],
  ["an empty list of critical extensions", () => forge({ alg: "RS256", crit: [] }, payloadOf(good), byTrusted)],
  [
    "a payload that is not encoded",
    () => forge({ alg: "RS256", crit: ["b64"], b64: false }, payloadOf(good), byTrusted),
  ],
];

describe("a signature is rejected:", () => {
  it.each(signatures)("%s", async (_name, token) => {
    await service.expectRefused(bearer(await token()), notValid);
  });
});

const noUser = "the token's subject cannot be a user";
const noExpiry = "the token has no exp claim";
const notYet = "the token is not valid yet";

const contents: readonly BadToken[] = [
  ["expired", () => signed({ exp: nowSeconds() - 60 }), "the token has expired"],
  ["never expires", () => signed({ exp: undefined }), noExpiry],
  ["expires in words", () => signed({ exp: "tomorrow" }), noExpiry],
  ["expires at null", () => signed({ exp: null }), noExpiry],
  ["not valid before a minute has passed", () => signed({ nbf: nowSeconds() + 60 }), notYet],
  ["issued in a minute", () => signed({ iat: nowSeconds() + 60 }), "the token was issued in the future"],
  ["issued in words", () => signed({ iat: "yesterday" }), notValid],
  ["no issuer", () => signed({ iss: undefined }), "the token is from another issuer"],
  [
    "an issuer that begins like ours",
    () => signed({ iss: "https://issuer.example/" }),
    "the token is from another issuer",
  ],
  ["a list of issuers", () => signed({ iss: ["https://issuer.example"] }), "the token is from another issuer"],
  ["no audience", () => signed({ aud: undefined }), "the token is for another service"],
  ["a list of other audiences", () => signed({ aud: ["a", "b"] }), "the token is for another service"],
  ["no subject", () => signed({ sub: undefined }), noUser],
  ["an empty subject", () => signed({ sub: "" }), noUser],
  ["a subject of 256 characters", () => signed({ sub: "x".repeat(256) }), noUser],
  ["a subject with NUL in it", () => signed({ sub: "no\0ra" }), noUser],
  ["a subject that is a number", () => signed({ sub: 42 }), noUser],
  ["a subject that is null", () => signed({ sub: null }), noUser],
  ["a subject that is a list", () => signed({ sub: ["nora"] }), noUser],
  ["a subject that is an object", () => signed({ sub: { includes: "nora" } }), noUser],
  [
    "a subject that is no Unicode text",
    () => forge({ alg: "RS256" }, payloadOf({ ...good, sub: "\ud800" }), byTrusted),
    noUser,
  ],
  ...[[], null, "nora", 1].map(
    (payload): BadToken => [
      `all it says is ${JSON.stringify(payload)}`,
      () => forge({ alg: "RS256" }, payload, byTrusted),
      notValid,
    ],
  ),
];

describe("a correctly signed token is rejected:", () => {
  it.each(contents)("%s", async (_name, token, message) => {
    await service.expectRefused(bearer(await token()), message);
  });
});

describe("keys in a token's header", () => {
  it("are neither used nor fetched", async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const jwk = await stranger.jwk("1");
    for (const header of [
      { jwk },
      { jku: url, kid: "1" },
      { x5u: url },
      { x5c: [encode(await exportJWK(KeyObject.from(stranger.privateKey)))] },
    ]) {
      await service.expectRefused(bearer(await stranger.sign(good, header)), notValid);
    }
    // In a token that is good without them they are but words.
    await service.expectTaken(bearer(await signed({}, { jwk, jku: url, x5u: url, kid: "../../dev/null" })));
    expect(asked).toBe(0);
    server.close();
    await once(server, "close");
  });
});

describe("a valid token", () => {
  it.each([
    ["that expired within the clocks' tolerance", () => signed({ exp: nowSeconds() - 2 })],
    ["that is valid from then on", () => signed({ nbf: nowSeconds() + 2, iat: nowSeconds() + 2 })],
    ["for several services", () => signed({ aud: ["another", "frontrow-under-test"] })],
    ["that never says when it was issued", () => signed({ iat: undefined })],
    [
      "of another allowed algorithm of the key",
      () => {
        const pss = {
          key: KeyObject.from(trusted.privateKey),
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: 32,
        };
        return forge({ alg: "PS256" }, payloadOf(good), (text) => signBytes("sha256", Buffer.from(text), pss));
      },
    ],
    ["whose subject has 255 characters", () => signed({ sub: "x".repeat(255) })],
  ] as const)("is taken %s", async (_name, token) => service.expectTaken(bearer(await token())));
});

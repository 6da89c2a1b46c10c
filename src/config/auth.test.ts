import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { load as loadSources, problemsOf } from "../../test/support/unit/config-sources.ts";

const { publicKey } = generateKeyPairSync("ed25519");
const pem = publicKey.export({ type: "spki", format: "pem" }) as string;

const load = (env: Record<string, string>) => loadSources({ env });
const problemsWith = (env: Record<string, string>) => problemsOf({ env });

const withoutMode = "listening on loopback only: any client can act as any user until APP_AUTH_MODE is set";
const withDevKey =
  "listening on loopback only: with APP_AUTH_MODE=dev a reader of the key in APP_DATA_DIR can act as any user";

const jwt = {
  APP_AUTH_MODE: "jwt",
  APP_AUTH_ISSUER: "https://issuer.example",
  APP_AUTH_AUDIENCE: "frontrow",
  APP_AUTH_PUBLIC_KEY: pem,
};

describe("the address to listen on", () => {
  test.each<[env: Record<string, string>, host: string, whyLoopback: string | undefined]>([
    [{}, "127.0.0.1", withoutMode],
    [{ APP_AUTH_MODE: "none" }, "0.0.0.0", undefined],
    // As Compose writes what is not set.
    [{ APP_AUTH_MODE: "" }, "127.0.0.1", withoutMode],
    [{ APP_AUTH_MODE: "dev" }, "127.0.0.1", withDevKey],
    [jwt, "0.0.0.0", undefined],
    [{ ...jwt, APP_HOST: "10.1.2.3" }, "10.1.2.3", undefined],
    [{ APP_AUTH_MODE: "none", APP_HOST: "::" }, "::", undefined],
  ])("depends on the mode: %#", (env, host, whyLoopback) => {
    const { config, warnings } = load(env);
    expect(config).toMatchObject({ host, auth: { mode: env.APP_AUTH_MODE || "none" } });
    expect(config.whyLoopback).toBe(whyLoopback);
    expect(warnings).toEqual([]);
  });

  describe.each([
    [{}, withoutMode],
    [{ APP_AUTH_MODE: "dev" }, withDevKey],
  ])("with %j", (mode, whyLoopback) => {
    test.each(["localhost", "127.0.0.1", "127.8.8.8", "::1"])("may be any loopback address: %s", (host) => {
      const { config, warnings } = load({ ...mode, APP_HOST: host });
      expect([config.host, config.whyLoopback, warnings]).toEqual([host, whyLoopback, []]);
    });

    test.each([
      ...["0.0.0.0", "::", "192.0.2.7", "localhost.example.org", "127.0.0.1.example.org", "1127.0.0.1", "fe80::1"],
    ])("replaces any other address and warns: %s", (host) => {
      const { config, warnings } = load({ ...mode, APP_HOST: host });
      expect(config.host).toBe("127.0.0.1");
      expect(warnings).toEqual([`APP_HOST is ignored: ${whyLoopback}`]);
    });
  });

  test("is named in the warning as its source spells it", () => {
    const { warnings } = loadSources({ argv: ["--host", "0.0.0.0"] });
    expect(warnings).toEqual([`--host is ignored: ${withoutMode}`]);
  });

  test("may be any if the file sets the mode none", () => {
    const { config } = loadSources({ yaml: "auth:\n  mode: none\n" });
    expect([config.host, config.whyLoopback]).toEqual(["0.0.0.0", undefined]);
  });
});

describe("the mode jwt", () => {
  test("has issuer, audience and key, and defaults for the rest", () => {
    expect(load(jwt).config.auth).toEqual({
      mode: "jwt",
      issuer: "https://issuer.example",
      audiences: ["frontrow"],
      algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
      clockToleranceMs: 5_000,
      scopeClaims: ["scope"],
      keys: { pem: pem.trim() },
    });
  });

  test("takes the keys from a URL, and lists", () => {
    const { APP_AUTH_PUBLIC_KEY: _, ...rest } = jwt;
    const env = {
      ...rest,
      APP_AUTH_JWKS_URL: "https://issuer.example/keys.json",
      APP_AUTH_ALGORITHMS: "ES256, ES384",
      APP_AUTH_CLOCK_TOLERANCE: "1m",
      APP_AUTH_AUDIENCE: "https://tickets.example.org, https://tickets.example.org/mcp",
      APP_AUTH_SCOPE_CLAIM: "scp, realm_access.roles,https://tickets.example.org/roles",
    };
    expect(load(env).config.auth).toMatchObject({
      algorithms: ["ES256", "ES384"],
      clockToleranceMs: 60_000,
      scopeClaims: ["scp", "realm_access.roles", "https://tickets.example.org/roles"],
      keys: { url: new URL("https://issuer.example/keys.json") },
    });
  });

  const noIssuer = "APP_AUTH_ISSUER is missing: APP_AUTH_MODE=jwt accepts the tokens of one issuer";
  const noAudience = "APP_AUTH_AUDIENCE is missing: tokens for other services must not be accepted here";
  const noKey =
    "set one of APP_AUTH_JWKS_URL and APP_AUTH_PUBLIC_KEY: APP_AUTH_MODE=jwt checks tokens with the issuer's key";

  test("names everything that is missing", () => {
    expect(problemsWith({ APP_AUTH_MODE: "jwt" })).toEqual([noIssuer, noAudience, noKey]);
  });

  test.each([
    ["APP_AUTH_ISSUER", noIssuer],
    ["APP_AUTH_AUDIENCE", noAudience],
    ["APP_AUTH_PUBLIC_KEY", noKey],
  ] as const)("requires %s", (name, problem) => {
    const { [name]: _, ...rest } = jwt;
    expect(problemsWith(rest)).toEqual([problem]);
  });

  test("accepts one key and not two", () => {
    expect(problemsWith({ ...jwt, APP_AUTH_JWKS_URL: "https://issuer.example/keys.json" })).toEqual([noKey]);
  });

  test.each([
    ["APP_AUTH_MODE", "jwts"],
    ["APP_AUTH_ALGORITHMS", "HS256"],
    ["APP_AUTH_ALGORITHMS", "none"],
    ["APP_AUTH_ALGORITHMS", "RS256,HS512"],
    ["APP_AUTH_ALGORITHMS", "RS256,"],
    ["APP_AUTH_JWKS_URL", "file:///etc/passwd"],
    ["APP_AUTH_JWKS_URL", "https://user:secret@issuer.example"],
    ["APP_AUTH_JWKS_URL", "https://:secret@issuer.example"],
    ["APP_AUTH_PUBLIC_KEY", "secret"],
    ["APP_AUTH_PUBLIC_KEY", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"],
    ["APP_AUTH_CLOCK_TOLERANCE", "5"],
    ["APP_AUTH_SCOPE_CLAIM", "scope scp"],
    ["APP_AUTH_SCOPE_CLAIM", "scope,"],
  ])("rejects %s=%j", (name, value) => {
    const problems = problemsWith({ ...jwt, [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: `));
  });
});

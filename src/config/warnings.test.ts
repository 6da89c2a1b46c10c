import { expect, test } from "vitest";
import { load } from "../../test/support/unit/config-sources.ts";

const jwt = {
  APP_AUTH_MODE: "jwt",
  APP_AUTH_ISSUER: "https://issuer.example",
  APP_AUTH_AUDIENCE: "frontrow",
  APP_AUTH_JWKS_URL: "https://issuer.example/keys.json",
};
const unlimited = { APP_RATE_LIMIT_ADDRESS_FACTOR: "0" };

const warningsOf = (env: Record<string, string>) => load({ env }).warnings;

test("warns of tokens without a limit by address", () => {
  expect(warningsOf({ ...jwt, ...unlimited })).toEqual([
    "APP_RATE_LIMIT_ADDRESS_FACTOR is 0: nothing limits unauthenticated calls, nor how many bad tokens are tried",
  ]);
  for (const factor of ["1", "20"]) expect(warningsOf({ ...jwt, APP_RATE_LIMIT_ADDRESS_FACTOR: factor })).toEqual([]);
  for (const mode of ["none", "dev"]) expect(warningsOf({ ...unlimited, APP_AUTH_MODE: mode })).toEqual([]);
});

test.each([
  ["http://issuer.example/keys.json", true],
  ["http://10.0.0.1/keys.json", true],
  ["http://localhost.example/keys.json", true],
  ["https://issuer.example/keys.json", false],
  ["http://localhost:8081/keys.json", false],
  ["http://127.0.0.1/keys.json", false],
  ["http://[::1]:8081/keys.json", false],
])("warns of keys that can be replaced on the network: %s", (url, isRisk) => {
  const warning = "APP_AUTH_JWKS_URL is not https: an attacker on the network path can replace the keys";
  expect(warningsOf({ ...jwt, APP_AUTH_JWKS_URL: url })).toEqual(isRisk ? [warning] : []);
});

test("warns of settings of the mode jwt in another mode", () => {
  const { APP_AUTH_MODE: _, ...unused } = jwt;
  expect(warningsOf(unused)).toEqual(
    ["APP_AUTH_ISSUER", "APP_AUTH_AUDIENCE", "APP_AUTH_JWKS_URL"].map(
      (name) => `${name} is ignored: it applies with APP_AUTH_MODE=jwt only`,
    ),
  );
});

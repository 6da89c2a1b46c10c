import { expect, test } from "vitest";
import { loadConfig } from "./load.ts";

const jwt = {
  APP_AUTH_MODE: "jwt",
  APP_AUTH_ISSUER: "https://issuer.example",
  APP_AUTH_AUDIENCE: "frontrow",
  APP_AUTH_JWKS_URL: "https://issuer.example/keys.json",
};
const unlimited = { APP_RATE_LIMIT_ADDRESS_FACTOR: "0" };

const warningsOf = (env: Record<string, string>) =>
  loadConfig({ argv: [], env, readFile: () => undefined, projectRoot: "/srv" }).warnings;

test("tokens without a limit by address", () => {
  expect(warningsOf({ ...jwt, ...unlimited })).toEqual([
    "APP_RATE_LIMIT_ADDRESS_FACTOR is 0: nothing limits strangers, nor how many bad tokens are tried",
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
])("keys that can be exchanged on the way: %s", (url, isRisk) => {
  const warning =
    "APP_AUTH_JWKS_URL is not https: whoever is on the way there can put keys of their own into the answer";
  expect(warningsOf({ ...jwt, APP_AUTH_JWKS_URL: url })).toEqual(isRisk ? [warning] : []);
});

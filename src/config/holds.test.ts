import { expect, test } from "vitest";
import { load, problemsOf, type Sources } from "../../test/support/unit/config-sources.ts";

test.each<[string, Sources]>([
  [
    "APP_HOLD_TTL (2101s) is longer than APP_HOLD_TTL_MAX (2100s): the default must be a ttl that a request may have",
    { env: { APP_HOLD_TTL: "2101s" } },
  ],
  [
    "APP_HOLD_TTL (600s) is longer than config/config.yaml: hold_ttl_max (599s): the default must be a ttl that a request may have",
    { yaml: "hold_ttl_max: 599s" },
  ],
  [
    "--hold-ttl-max (3660s) is longer than APP_HOLD_LIFETIME (3600s): no hold lives longer than its lifetime",
    { argv: ["--hold-ttl-max=61m"] },
  ],
  [
    "APP_HOLD_RETENTION (89999s) is not an hour longer than APP_LATE_CONFIRM (86400s): a deleted hold cannot be confirmed",
    { env: { APP_LATE_CONFIRM: "24h", APP_HOLD_RETENTION: "89999s" } },
  ],
])("the start refuses %s", (problem, sources) => {
  expect(problemsOf(sources)).toEqual([problem]);
});

test("equal settings are in order", () => {
  const holds = { APP_HOLD_TTL: "1h", APP_HOLD_TTL_MAX: "60m", APP_HOLD_LIFETIME: "3600s" };
  const env = { ...holds, APP_LATE_CONFIRM: "24h", APP_HOLD_RETENTION: "25h" };
  expect(load({ env }).config).toMatchObject({
    holdTtlMs: 3_600_000,
    holdTtlMaxMs: 3_600_000,
    holdLifetimeMs: 3_600_000,
  });
});

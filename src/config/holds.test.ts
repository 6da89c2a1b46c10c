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
    "APP_LATE_CONFIRM (90000s) is longer than APP_HOLD_RETENTION (86400s): a hold that is deleted cannot be confirmed",
    { env: { APP_LATE_CONFIRM: "25h", APP_HOLD_RETENTION: "24h" } },
  ],
])("the start refuses %s", (problem, sources) => {
  expect(problemsOf(sources)).toEqual([problem]);
});

test("equal settings are in order", () => {
  const env = { APP_HOLD_TTL: "1h", APP_HOLD_TTL_MAX: "60m", APP_HOLD_LIFETIME: "3600s" };
  expect(load({ env }).config).toMatchObject({
    holdTtlMs: 3_600_000,
    holdTtlMaxMs: 3_600_000,
    holdLifetimeMs: 3_600_000,
  });
});

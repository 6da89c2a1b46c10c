import { expect, test } from "vitest";
import { requireVersion } from "./server-checks.ts";

test.each([
  [150_000, "15beta1"],
  [150_018, "15.18"],
  [180_004, "18.4"],
])("PostgreSQL %i is new enough", (versionNumber, version) => {
  expect(() => requireVersion({ versionNumber, version })).not.toThrow();
});

test.each([
  [140_999, "14.99"],
  [90_624, "9.6.24"],
])("PostgreSQL %i is refused in one sentence", (versionNumber, version) => {
  expect(() => requireVersion({ versionNumber, version })).toThrow(
    `the database runs PostgreSQL ${version}, and Frontrow needs 15 or newer: upgrade the server`,
  );
});

import { expect, test } from "vitest";
import { checkServerVersion } from "./server-version.ts";

test.each([
  [150_000, "15beta1"],
  [150_018, "15.18"],
  [180_004, "18.4"],
])("PostgreSQL %i is new enough", (number, version) => {
  expect(() => checkServerVersion(number, version)).not.toThrow();
});

test.each([
  [140_999, "14.99"],
  [90_624, "9.6.24"],
])("PostgreSQL %i is refused in one sentence", (number, version) => {
  expect(() => checkServerVersion(number, version)).toThrow(
    `the database runs PostgreSQL ${version}, and Frontrow needs 15 or newer: upgrade the server`,
  );
});

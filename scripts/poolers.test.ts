/** What docs/operations.md says to set in PgBouncer is set in the files of deploy. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const read = (name: string) => readFileSync(join(import.meta.dirname, "..", name), "utf8");
const documented = [...read("docs/operations.md").matchAll(/^\| `(\w+) = (\d+)` \|/gm)].map(([, name, value]) => ({
  name,
  value,
}));

test("the documents have the settings that calls depend on", () => {
  expect(documented).toEqual([
    { name: "query_wait_timeout", value: "5" },
    { name: "server_login_retry", value: "1" },
  ]);
});

test.each(documented)("$name is $value in Compose and in the production overlay", ({ name, value }) => {
  expect(read("deploy/pgbouncer/pgbouncer.ini")).toMatch(new RegExp(`^${name} = ${value}$`, "m"));
  expect(read("deploy/kubernetes/overlays/production/database.yaml")).toMatch(
    new RegExp(`^ +${name}: "${value}"$`, "m"),
  );
});

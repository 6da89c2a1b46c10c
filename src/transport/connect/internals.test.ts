import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("Connect is pinned to the version whose private functions were read", () => {
  const { dependencies } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  const head = readFileSync(new URL("internals.ts", import.meta.url), "utf8");
  expect(head).toContain(`\`@connectrpc/connect\` ${dependencies["@connectrpc/connect"]} that`);
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(join(import.meta.dirname, "..", path), "utf8");

/** Where each SDK has its version. */
const versions: Readonly<Record<string, RegExp>> = {
  "sdk/typescript/package.json": /"version": "(.*)"/,
  "sdk/go/version.go": /Version = "(.*)"/,
  "sdk/java/pom.xml": /<version>(.*)<\/version>/,
  "sdk/java/README.md": /<version>(.*)<\/version>/,
  "sdk/python/pyproject.toml": /^version = "(.*)"$/m,
};

test.each(Object.entries(versions))("%s has the version of the service", (path, pattern) => {
  const { version } = JSON.parse(read("package.json")) as { version: string };
  expect(pattern.exec(read(path))?.[1]).toBe(version);
});

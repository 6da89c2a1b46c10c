import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { SdkName } from "./sdks/generators.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, "..", path), "utf8");

/** The files of each SDK that have its version. */
const versions: Readonly<Record<SdkName, Readonly<Record<string, RegExp>>>> = {
  typescript: { "package.json": /"version": "(.*)"/ },
  python: { "pyproject.toml": /^version = "(.*)"$/m },
  go: { "version.go": /Version = "(.*)"/, "README.md": /-require=\S+@v([\d.]+)/ },
  java: { "pom.xml": /<version>(.*)<\/version>/, "README.md": /<version>(.*)<\/version>/ },
};

/** The newest release in a changelog, such as `[1.2.0] - 2026-11-30`; undefined before the first one. */
const newestRelease = (path: string) => /^## (\[\d.*)$/m.exec(read(path))?.[1];

test("the dependencies of the SDK for TypeScript are those that its tests have", () => {
  const { dependencies } = JSON.parse(read("sdk/typescript/package.json")) as { dependencies: Record<string, string> };
  const installed = Object.keys(dependencies).map((name) => {
    const { version } = JSON.parse(read(`node_modules/${name}/package.json`)) as { version: string };
    return [name, `^${version}`];
  });
  expect(dependencies).toEqual(Object.fromEntries(installed));
});

describe.each(Object.entries(versions))("the SDK in sdk/%s", (name, files) => {
  test.each(Object.entries(files))("has the version of the service in %s", (file, pattern) => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    expect(pattern.exec(read(`sdk/${name}/${file}`))?.[1]).toBe(version);
  });

  test("has the newest release of the service in CHANGELOG.md", () => {
    expect(newestRelease(`sdk/${name}/CHANGELOG.md`)).toBe(newestRelease("CHANGELOG.md"));
  });
});

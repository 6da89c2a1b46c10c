import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { changelogProblems, releaseNotes } from "./changelog.ts";

const readRoot = (name: string) => readFileSync(join(import.meta.dirname, "..", name), "utf8");

const changelog = `# Changelog

## [Unreleased]

### Added

- A waitlist.

## [1.1.0] - 2026-12-24

### Upgrading

- Set \`APP_WAITLIST\` ([waitlist](docs/operations.md#waitlist)).

### Fixed

- Pages.

## [1.0.0] - 2026-11-30

### Added

- Everything.
`;

describe("CHANGELOG.md", () => {
  test("has the form of Keep a Changelog", () => {
    expect(changelogProblems(readRoot("CHANGELOG.md"))).toEqual([]);
  });

  test.each([
    ["nothing", changelog, []],
    ["a missing section for what comes next", "## [1.0.0] - 2026-11-30\n", ["the first section must be [Unreleased]"]],
    ["a version without a date", "## [Unreleased]\n## [1.0.0]\n", ['"## [1.0.0]" must be "## [1.2.3] - 2026-11-30"']],
    ...["2026-13-45", "2026-02-30"].map((date): [string, string, string[]] => [
      `the date ${date}`,
      `## [Unreleased]\n## [1.0.0] - ${date}\n`,
      [`"## [1.0.0] - ${date}" must be "## [1.2.3] - 2026-11-30"`],
    ]),
    [
      "an older version above a newer one",
      "## [Unreleased]\n## [1.0.0] - 2026-11-30\n## [1.1.0] - 2026-12-24\n",
      ["[1.1.0] - 2026-12-24 must be above the section before it, which is older"],
    ],
    [
      "an unknown kind of change",
      "## [Unreleased]\n### Improved\n",
      ['"### Improved" must be one of Upgrading, Added, Changed, Deprecated, Removed, Fixed, Security'],
    ],
  ])("the check finds %s", (_, text, problems) => {
    expect(changelogProblems(text)).toEqual(problems);
  });
});

describe("the notes of a release", () => {
  test("are the section of its version, with links that work outside of the repository", () => {
    expect(releaseNotes(changelog, "v1.1.0", "1.1.0", "https://git.example.org/v1.1.0")).toBe(
      "### Upgrading\n\n- Set `APP_WAITLIST` ([waitlist](https://git.example.org/v1.1.0/docs/operations.md#waitlist)).\n\n" +
        "### Fixed\n\n- Pages.",
    );
  });

  test("do not exist for a tag that is not the version of package.json", () => {
    expect(() => releaseNotes(changelog, "v1.1.0", "1.0.0", ".")).toThrow(
      "the tag is v1.1.0, and package.json has the version 1.0.0",
    );
  });

  test("do not exist for a version without a section", () => {
    expect(() => releaseNotes(changelog, "v1.2.0", "1.2.0", ".")).toThrow(
      'CHANGELOG.md has no section "## [1.2.0] - DATE"',
    );
  });
});

test("the production overlay deploys the version of package.json", () => {
  const { version } = JSON.parse(readRoot("package.json")) as { version: string };
  expect(readRoot("deploy/kubernetes/overlays/production/kustomization.yaml")).toContain(`newTag: ${version}\n`);
});

test("the license file is the license of package.json", () => {
  const { license } = JSON.parse(readRoot("package.json")) as { license: string };
  expect(readRoot("LICENSE").split("\n", 1)).toEqual([`${license} License`]);
});

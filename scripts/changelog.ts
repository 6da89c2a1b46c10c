/** A section of CHANGELOG.md. */
interface Section {
  readonly heading: string;
  readonly body: string;
}

/** The kinds of changes of Keep a Changelog, and what an upgrade needs. */
const kinds = ["Upgrading", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
const versionHeading = /^\[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$/;

/** What is wrong with the form of a changelog; empty if nothing is. */
export function changelogProblems(changelog: string): string[] {
  const [first, ...released] = sectionsOf(changelog);
  const problems = first?.heading === "[Unreleased]" ? [] : ["the first section must be [Unreleased]"];
  const dates: string[] = [];
  for (const { heading } of released) {
    const [, , date = ""] = versionHeading.exec(heading) ?? [];
    if (!isDate(date)) problems.push(`"## ${heading}" must be "## [1.2.3] - 2026-11-30"`);
    if (date > (dates.at(-1) ?? date)) problems.push(`${heading} must be above the section before it, which is older`);
    dates.push(date);
  }
  for (const [, kind = ""] of changelog.matchAll(/^### (.*)$/gm)) {
    if (!kinds.includes(kind)) problems.push(`"### ${kind}" must be one of ${kinds.join(", ")}`);
  }
  return problems;
}

/** JavaScript reads the 30th of February as a day in March. */
function isDate(text: string): boolean {
  return text !== "" && (new Date(text).toJSON()?.startsWith(text) ?? false);
}

/**
 * The changes of the version that a tag such as v1.2.3 releases. Throws if it is not the version of package.json. Links to
 * documents begin with the URL of the repository's files at that tag, because the notes are read elsewhere.
 */
export function releaseNotes(changelog: string, tag: string, packageVersion: string, filesUrl: string): string {
  const version = tag.replace(/^v/, "");
  if (version !== packageVersion)
    throw new Error(`the tag is ${tag}, and package.json has the version ${packageVersion}`);
  const section = sectionsOf(changelog).find(({ heading }) => versionHeading.exec(heading)?.[1] === version);
  if (!section) throw new Error(`CHANGELOG.md has no section "## [${version}] - DATE"`);
  return section.body.replaceAll(/\]\((?=docs\/)/g, `](${filesUrl}/`);
}

function sectionsOf(changelog: string): Section[] {
  const [, ...sections] = changelog.split(/^## /m);
  return sections.map((section) => {
    const [heading = "", ...lines] = section.split("\n");
    return { heading, body: lines.join("\n").trim() };
  });
}

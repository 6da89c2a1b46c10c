/**
 * Prints the changes of the version that a tag releases: `node scripts/release-notes.ts v1.2.3 FILES_URL`, where FILES_URL is
 * where the repository's files are read at this tag. Fails for a wrong tag.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { releaseNotes } from "./changelog.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "..", name), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };
const [tag = "", filesUrl = "."] = process.argv.slice(2);
try {
  process.stdout.write(`${releaseNotes(read("CHANGELOG.md"), tag, version, filesUrl)}\n`);
} catch (error) {
  process.stderr.write(`release-notes: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

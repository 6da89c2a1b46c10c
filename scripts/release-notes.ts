/** Prints the changes of the version that a tag releases: `node scripts/release-notes.ts v1.2.3`. Fails for a wrong tag. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { releaseNotes } from "./changelog.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "..", name), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };
try {
  process.stdout.write(`${releaseNotes(read("CHANGELOG.md"), process.argv[2] ?? "", version)}\n`);
} catch (error) {
  process.stderr.write(`release-notes: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

/** The statements of docs/operations.md, for the tests that run them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../project-root.ts";

const page = readFileSync(join(projectRoot, "docs", "operations.md"), "utf8");
const blocks = [...page.matchAll(/^```sql database\n(.*?)^```/gms)].map(([, block = ""]) => block);

/** The first block of statements that has this text. Throws an Error if there is none. */
export function documentedSql(text: string): string {
  const block = blocks.find((each) => each.includes(text));
  if (block === undefined) throw new Error(`docs/operations.md has no statements with ${text}`);
  return block;
}

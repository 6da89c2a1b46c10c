/**
 * Runs the buffer-count tests on the oldest PostgreSQL that Frontrow supports and then on the newest: planners differ.
 * Arguments go to Vitest: `npm run test:scale -- growth`. With APP_TEST_DATABASE_URL they run on that server alone.
 */
import { oldestMajor } from "../src/store/server-checks.ts";
import { isMajorInstalled, skipMajor } from "../test/support/database/majors.ts";
import { runVitest } from "./run-vitest.ts";

async function runTests(variables: Readonly<Record<string, string>> = {}): Promise<void> {
  await runVitest("scale", variables, ["--reporter", "verbose", ...process.argv.slice(2)]);
}

if (!process.env.APP_TEST_DATABASE_URL) {
  if (await isMajorInstalled(oldestMajor)) await runTests({ APP_TEST_POSTGRES: String(oldestMajor) });
  else skipMajor(oldestMajor);
}
await runTests();

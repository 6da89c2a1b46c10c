/**
 * Runs the buffer-count tests on the oldest PostgreSQL that Frontrow supports and then on the newest: planners differ.
 * Arguments go to Vitest: `npm run test:scale -- growth`. With APP_TEST_DATABASE_URL they run on that server alone.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { binariesOf } from "@frontrow/embedded-postgres";
import { oldestMajor } from "../src/store/server-checks.ts";
import { oldestPackage } from "../test/support/database/postgres.ts";

const projectRoot = join(import.meta.dirname, "..");

async function isInstalled(packageName: string): Promise<boolean> {
  return await binariesOf(packageName).then(
    () => true,
    () => false,
  );
}

async function runTests(server: "oldest" | "newest"): Promise<void> {
  const vitest = join(projectRoot, "node_modules", "vitest", "vitest.mjs");
  const args = ["run", "--project", "scale", "--reporter", "verbose", ...process.argv.slice(2)];
  const env = { ...process.env, APP_TEST_POSTGRES: server };
  const child = spawn(process.execPath, [vitest, ...args], { cwd: projectRoot, env, stdio: "inherit" });
  const [code] = await once(child, "close");
  if (code !== 0) process.exitCode = 1;
}

if (!process.env.APP_TEST_DATABASE_URL) {
  if (await isInstalled(oldestPackage)) await runTests("oldest");
  else {
    process.stderr.write(
      `test:scale: SKIPPED on PostgreSQL ${oldestMajor}: ${oldestPackage} is not installed (npm has it for linux-x64)\n`,
    );
  }
}
await runTests("newest");

/**
 * Runs the integration tests on each major version of PostgreSQL that Frontrow supports, with npm's binaries.
 * `npm run test:postgres -- 16 17` runs them on these versions only. Other arguments go to Vitest.
 */
import { execFileSync } from "node:child_process";
import { betweenFolder, isMajorInstalled, majors, skipMajor } from "../test/support/database/majors.ts";
import { runVitest } from "./run-vitest.ts";

const isMajor = (arg: string) => majors.includes(Number(arg));
const args = process.argv.slice(2);
const chosen = args.some(isMajor) ? args.filter(isMajor).map(Number) : majors;
const rest = args.filter((arg) => !isMajor(arg));

const unknown = args.find((arg) => /^\d+$/.test(arg) && !isMajor(arg));
if (unknown) fail(`${unknown} is not one of the supported versions ${majors.join(", ")}`);
if (process.env.APP_TEST_DATABASE_URL) fail("unset APP_TEST_DATABASE_URL, whose server the tests would run on");

for (const major of chosen) {
  if (await isInstalled(major)) {
    process.stdout.write(`test:postgres: PostgreSQL ${major}\n`);
    await runVitest("integration", { APP_TEST_POSTGRES: String(major) }, rest);
  } else skipMajor(major);
}

/** Whether the binaries can be used, after those that only this script needs have been installed. */
async function isInstalled(major: number): Promise<boolean> {
  if (await isMajorInstalled(major)) return true;
  const install = ["ci", "--prefix", betweenFolder, "--ignore-scripts", "--no-audit", "--no-fund"];
  execFileSync("npm", install, { stdio: "inherit" });
  return await isMajorInstalled(major);
}

function fail(message: string): never {
  process.stderr.write(`test:postgres: ${message}\n`);
  process.exit(1);
}

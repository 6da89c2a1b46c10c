/** The major versions of PostgreSQL that Frontrow supports, as binaries from npm. */
import { join } from "node:path";
import { type Binaries, binariesOf, findBinaries } from "@frontrow/embedded-postgres";
import { oldestMajor } from "../../../src/store/server-checks.ts";

/** The package.json of the majors between the oldest and the newest. Only `npm run test:postgres` installs them. */
export const betweenFolder = join(import.meta.dirname, "..", "..", "postgres");

/** The optional dependency with the binaries of the oldest major. npm has it for linux-x64. */
export const oldestPackage = packageOf(oldestMajor);
/** What Frontrow starts as its embedded PostgreSQL. */
const newestMajor = 18;

export const majors: readonly number[] = Array.from(
  { length: newestMajor - oldestMajor + 1 },
  (_, index) => oldestMajor + index,
);

function packageOf(major: number): string {
  return `embedded-postgres-${major}`;
}

/** Rejects if the version is not supported or its binaries are not installed. */
export async function binariesOfMajor(major: number): Promise<Binaries> {
  if (!majors.includes(major)) throw new Error(`PostgreSQL ${major} is not one of ${majors.join(", ")}`);
  const binaries = await findMajor(major);
  if (!binaries.version.startsWith(`${major}.`)) throw new Error(`PostgreSQL ${major} has version ${binaries.version}`);
  return binaries;
}

/** Whether the binaries of a major version can be used. */
export async function isMajorInstalled(major: number): Promise<boolean> {
  return await binariesOfMajor(major).then(
    () => true,
    () => false,
  );
}

/** Says that what needs a major version is skipped. */
export function skipMajor(major: number): void {
  process.stderr.write(`SKIPPED on PostgreSQL ${major}: its binaries are not installed (npm has them for linux-x64)\n`);
}

async function findMajor(major: number): Promise<Binaries> {
  if (major === newestMajor) return await findBinaries();
  if (major === oldestMajor) return await binariesOf(oldestPackage);
  return await binariesOf(packageOf(major), join(betweenFolder, "package.json"));
}

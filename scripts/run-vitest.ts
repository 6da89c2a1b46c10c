import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const projectRoot = join(import.meta.dirname, "..");

/** Runs a project of vitest.config.ts with more variables. If tests fail, so does this process. */
export async function runVitest(
  project: string,
  variables: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<void> {
  const vitest = join(projectRoot, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--project", project, ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...variables },
    stdio: "inherit",
  });
  const [code] = await once(child, "close");
  if (code !== 0) process.exitCode = 1;
}

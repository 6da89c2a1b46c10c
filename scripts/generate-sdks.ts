/**
 * Writes the generated code of the SDKs: `node scripts/generate-sdks.ts typescript`, by default of those in other languages.
 * `--verify` compares what is committed with the schema, and fails if they differ.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateSdk, type SdkName, sdkGenerators, sdkNames } from "./sdks/generators.ts";
import { type Reason, readReasons } from "./sdks/reasons.ts";
import { missingCommand } from "./toolchains.ts";

const projectRoot = join(import.meta.dirname, "..");

/** Prints each file of an SDK that differs from what the schema generates, and returns whether there is none. */
export async function isUpToDate(name: SdkName, reasons: readonly Reason[]): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-sdk-"));
  try {
    await generateSdk(sdkGenerators[name], folder, reasons);
    const differing = sdkGenerators[name].generated.filter((path) => {
      const args = ["--recursive", "--brief", "--exclude=__pycache__", join(projectRoot, "sdk", name, path)];
      return spawnSync("diff", [...args, join(folder, path)], { stdio: "inherit" }).status !== 0;
    });
    return differing.length === 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
  const unknown = named.find((name) => !sdkNames.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`there is no SDK ${unknown}: name some of ${sdkNames.join(", ")}`);
  const chosen = sdkNames.filter((name) => (named.length > 0 ? named.includes(name) : name !== "typescript"));
  const reasons = readReasons();
  for (const name of chosen) {
    const { toolchain } = sdkGenerators[name];
    const missing = missingCommand(toolchain);
    if (missing) {
      process.stderr.write(`generate:sdks: SKIPPED: ${toolchain.language}: \`${missing}\` is not installed\n`);
    } else if (!process.argv.includes("--verify")) {
      await generateSdk(sdkGenerators[name], join(projectRoot, "sdk", name), reasons);
    } else if (!(await isUpToDate(name, reasons))) {
      const command = name === "typescript" ? "generate" : "generate:sdks";
      process.stdout.write(`sdk/${name} is out of date: run \`npm run ${command}\` and commit it\n`);
      process.exitCode = 1;
    }
  }
}

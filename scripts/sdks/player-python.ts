import { glob, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { python, run, toolCache } from "../toolchains.ts";
import { folderOf, type SdkPlayer } from "./player.ts";

const folder = folderOf("python");
const cache = join(toolCache, "python-sdk");
/** Not the environment of the generator: its tests have other stubs, under the package's name. */
const environment = join(cache, "venv");
const executable = join(environment, "bin", "python");
const runModule = (...args: string[]) => run(executable, ["-m", ...args], { cwd: folder });
const mypy = ["mypy", "--strict", `--cache-dir=${join(cache, "mypy")}`];

/** Makes an environment with the oldest dependencies that the package allows. */
async function fetch(): Promise<void> {
  await run("python3", ["-m", "venv", environment]);
  await runModule("pip", "install", "--quiet", "--requirement", join("tests", "requirements.txt"));
}

/** Builds the source distribution, and from it the wheel, which it installs in that environment. */
async function build(): Promise<void> {
  await fetch();
  await runModule("ruff", "check", "--no-cache");
  await runModule("ruff", "format", "--no-cache", "--check");
  await runModule(...mypy);
  const distributions = join(cache, "dist");
  await rm(distributions, { recursive: true, force: true });
  await mkdir(distributions, { recursive: true });
  const built = async (ending: string) => (await Array.fromAsync(glob(join(distributions, `*${ending}`))))[0] ?? "";
  await runModule("hatchling", "build", "--target", "sdist", "--directory", distributions);
  const [source, toWheels] = [await built(".tar.gz"), ["--wheel-dir", distributions]];
  await runModule("pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", ...toWheels, source);
  const wheel = await built(".whl");
  await runModule("pip", "install", "--quiet", "--no-deps", "--force-reinstall", wheel);
}

/** What pieces use without an import. */
const declared = 'from frontrow import *\n\n\ndef fetch_token() -> str:\n    return ""\n\n\n';

async function writeExample(
  code: string,
  pieces: readonly string[],
  exampleFolder: string,
): Promise<readonly string[]> {
  await writeFile(join(exampleFolder, "example.py"), code);
  const names = pieces.map((_, index) => `piece_${index + 1}.py`);
  for (const [index, name] of names.entries()) await writeFile(join(exampleFolder, name), declared + pieces[index]);
  await run(executable, ["-m", ...mypy, "example.py", ...names], { cwd: exampleFolder });
  return [executable, "example.py"];
}

export const pythonPlayer: SdkPlayer = {
  name: "python",
  toolchain: python,
  clients: ["Python", "Python asyncio"],
  example: "python sdk example",
  piece: "python sdk piece",
  fetch,
  build,
  play: () => [executable, "-B", "-m", "pytest", "--quiet", "-p", "no:cacheprovider"],
  writeExample,
};

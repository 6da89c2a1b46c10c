/** How `npm run test:sdks` builds the SDK of a language and plays the scenarios with it. sdk/README.md has the protocol. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Toolchain } from "../toolchains.ts";
import type { SdkName } from "./generators.ts";

export interface SdkPlayer {
  /** The SDK's folder in sdk/. */
  readonly name: SdkName;
  readonly toolchain: Toolchain;
  /** The clients that play: one for each transport or style of calls. Results name them in `language`. */
  readonly clients: readonly string[];
  /** What is left out on this machine, and why. */
  readonly skipped?: readonly string[];
  /** The mark of README.md's blocks of code. The first one is the example. */
  readonly codeBlock: string;
  /** Fetches what the SDK needs, builds the package as it is published, and checks it as strictly as the language can. */
  build(): Promise<void>;
  /** The program that plays every scenario by every client. It runs in the SDK's folder. */
  play(): readonly string[];
  /** Writes the example into a folder, and returns the program that runs it against the package that was built. */
  writeExample(code: string, folder: string): Promise<readonly string[]>;
}

export const projectRoot = join(import.meta.dirname, "..", "..");

export const folderOf = (name: SdkName) => join(projectRoot, "sdk", name);

/** The example of an SDK's README, for the service at this address. */
export async function readExample({ name, codeBlock }: SdkPlayer, address: string): Promise<string> {
  const readme = await readFile(join(folderOf(name), "README.md"), "utf8");
  const [, code] = new RegExp(`^\`\`\`${codeBlock}\\n(.*?)^\`\`\`$`, "ms").exec(readme) ?? [];
  const written = "http://localhost:8080";
  if (!code?.includes(written)) throw new Error(`sdk/${name}/README.md has no \`${codeBlock}\` block with ${written}`);
  return code.replaceAll(written, address);
}

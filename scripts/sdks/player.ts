/** How `npm run test:sdks` builds the SDK of a language and plays the scenarios with it. sdk/README.md has the protocol. */
import { join } from "node:path";
import { type Kind, snippetsOf } from "../../test/docs/support/snippets.ts";
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
  /** The kind of README.md's blocks that are a program. */
  readonly example: Kind;
  /** The kind of those that are a part of one. */
  readonly piece: Kind;
  /** Fetches what the SDK needs, builds the package as it is published, and checks it as strictly as the language can. */
  build(): Promise<void>;
  /** The program that plays every scenario by every client. It runs in the SDK's folder. */
  play(): readonly string[];
  /**
   * Writes an example into a folder, and returns the program that runs it against the package that was built. Compiles the
   * pieces beside it, with what they use without a declaration.
   */
  writeExample(code: string, pieces: readonly string[], folder: string): Promise<readonly string[]>;
}

export const projectRoot = join(import.meta.dirname, "..", "..");

export const folderOf = (name: SdkName) => join(projectRoot, "sdk", name);

/** The address in the examples. */
const written = "http://localhost:8080";

/** The examples of an SDK's README, for the service at this address. */
export function readExamples({ name, example }: SdkPlayer, address: string): string[] {
  const examples = blocksOf(name, example);
  if (examples.length === 0 || !examples.every((code) => code.includes(written))) {
    throw new Error(`sdk/${name}/README.md must have a \`${example}\` block, each with ${written}`);
  }
  return examples.map((code) => code.replaceAll(written, address));
}

/** The pieces of an SDK's README. */
export const readPieces = ({ name, piece }: SdkPlayer) => blocksOf(name, piece);

function blocksOf(name: SdkName, kind: Kind): string[] {
  const readme = `sdk/${name}/README.md`;
  return snippetsOf(kind).flatMap(({ document, text }) => (document === readme ? [`${text}\n`] : []));
}

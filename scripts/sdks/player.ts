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
  /** The kind of the documents' blocks that are a program. */
  readonly example: Kind;
  /** The kind of those that are a part of one. */
  readonly piece: Kind;
  /** Fetches what the SDK needs from registries, and compiles it. */
  readonly fetch?: () => Promise<void>;
  /** Fetches, builds the package as it is published, and checks it as strictly as the language can. */
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

/** The examples of an SDK in all documents, for the service at this address. */
export function readExamples({ name, example }: SdkPlayer, address: string): string[] {
  const examples = snippetsOf(example);
  const documents = new Set(examples.map(({ document }) => document));
  for (const document of [`sdk/${name}/README.md`, "docs/clients.md"]) {
    if (!documents.has(document)) throw new Error(`${document} has no \`${example}\` block`);
  }
  return examples.map(({ document, text }) => {
    if (!text.includes(written)) throw new Error(`${document}: a \`${example}\` block does not have ${written}`);
    return `${text.replaceAll(written, address)}\n`;
  });
}

/** The pieces of an SDK in all documents. */
export const readPieces = ({ piece }: SdkPlayer) => snippetsOf(piece).map(({ text }) => `${text}\n`);

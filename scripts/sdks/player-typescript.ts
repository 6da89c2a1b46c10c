import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findChromium } from "../../test/clients/support/chromium.ts";
import { run } from "../toolchains.ts";
import { folderOf, projectRoot, type SdkPlayer } from "./player.ts";

const folder = folderOf("typescript");
const bin = join(projectRoot, "node_modules", ".bin");

/** Builds JavaScript and types as `npm pack` does. */
async function build(): Promise<void> {
  await rm(join(folder, "dist"), { recursive: true, force: true });
  await run(join(bin, "tsc"), ["--project", join(folder, "tsconfig.json")]);
}

interface PackageFile {
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Those of a user's project. */
const compilerOptions = {
  ...{ noEmit: true, strict: true, target: "es2022", module: "nodenext", types: [] },
};

/** The example is a separate project, with the packed package and its dependencies in node_modules. */
async function writeExample(
  code: string,
  pieces: readonly string[],
  exampleFolder: string,
): Promise<readonly string[]> {
  const modules = join(exampleFolder, "node_modules");
  await mkdir(join(modules, "@frontrow"), { recursive: true });
  const { dependencies } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as PackageFile;
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(projectRoot, "node_modules", name), join(modules, name));
  }
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", exampleFolder], {
    cwd: folder,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await run("tar", ["--extract", "--file", join(exampleFolder, filename)], { cwd: exampleFolder });
  await cp(join(exampleFolder, "package"), join(modules, "@frontrow", "client"), { recursive: true });
  const files = {
    ...Object.fromEntries(pieces.map((piece, index) => [`piece-${index + 1}.mts`, piece])),
    "example.mts": code,
    "declared.d.ts": "declare function fetchToken(): Promise<string>;\n",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(exampleFolder, name), text);
  const configuration = JSON.stringify({ compilerOptions, files: Object.keys(files) });
  await writeFile(join(exampleFolder, "tsconfig.json"), configuration);
  await run(join(bin, "tsc"), [], { cwd: exampleFolder });
  return [process.execPath, "example.mts"];
}

const hasChromium = findChromium() !== undefined;
const inChromium = ["TypeScript in Chromium", "gRPC-Web in Chromium"];

export const typescriptPlayer: SdkPlayer = {
  name: "typescript",
  toolchain: { language: "TypeScript", needs: [] },
  clients: ["TypeScript", "TypeScript gRPC-Web", "TypeScript gRPC", ...(hasChromium ? inChromium : [])],
  skipped: hasChromium ? [] : inChromium.map((client) => `${client}: \`chromium\` is not installed`),
  example: "ts sdk example",
  piece: "ts sdk piece",
  build,
  play: () => [process.execPath, join(folder, "test", "play.ts")],
  writeExample,
};

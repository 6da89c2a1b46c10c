import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { go, run } from "../toolchains.ts";
import { folderOf, type SdkPlayer } from "./player.ts";

const folder = folderOf("go");

/** Compiles the package and its tests, and checks them with the tools of Go. */
async function build(): Promise<void> {
  const { stdout: unformatted } = await run("gofmt", ["-l", "."], { cwd: folder });
  if (unformatted !== "") throw new Error(`gofmt would change files of sdk/go:\n${unformatted}`);
  await run("go", ["mod", "verify"], { cwd: folder });
  await run("go", ["vet", "./..."], { cwd: folder });
  await run("go", ["test", "-run", "^$", "./..."], { cwd: folder });
}

/** The example is a separate module, which requires the package from its folder: a module is published as its files are. */
async function writeExample(code: string, exampleFolder: string): Promise<readonly string[]> {
  const module = "frontrow.example/sdk/go";
  const lines = ["module example", "go 1.26.0", `require ${module} v0.0.0`, `replace ${module} => ${folder}`, ""];
  await writeFile(join(exampleFolder, "go.mod"), lines.join("\n"));
  await cp(join(folder, "go.sum"), join(exampleFolder, "go.sum"));
  await writeFile(join(exampleFolder, "main.go"), code);
  const { stdout: unformatted } = await run("gofmt", ["-d", "main.go"], { cwd: exampleFolder });
  if (unformatted !== "") throw new Error(`gofmt would change the example of sdk/go/README.md:\n${unformatted}`);
  await run("go", ["build", "-mod=mod", "-o", "example", "."], { cwd: exampleFolder });
  return [join(exampleFolder, "example")];
}

export const goPlayer: SdkPlayer = {
  name: "go",
  toolchain: go,
  clients: ["Go", "Go Connect"],
  codeBlock: "go",
  build,
  // With the package's other tests, which need no stage.
  play: () => ["go", "test", "-count=1", "./..."],
  writeExample,
};

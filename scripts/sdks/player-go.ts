import { spawnSync } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { go, run } from "../toolchains.ts";
import { folderOf, type SdkPlayer } from "./player.ts";

const folder = folderOf("go");

/** The race detector needs a C compiler, without which Go turns cgo off. */
const hasRaceDetector = spawnSync("go", ["env", "CGO_ENABLED"], { encoding: "utf8" }).stdout?.trim() === "1";
const test = ["test", ...(hasRaceDetector ? ["-race"] : [])];

/** Compiles the package as users do, and its tests. */
async function fetch(): Promise<void> {
  await run("go", ["build", "./..."], { cwd: folder });
  await run("go", [...test, "-run", "^$", "./..."], { cwd: folder });
}

/** Compiles, and checks with the tools of Go. */
async function build(): Promise<void> {
  await fetch();
  const { stdout: unformatted } = await run("gofmt", ["-l", "."], { cwd: folder });
  if (unformatted !== "") throw new Error(`gofmt would change files of sdk/go:\n${unformatted}`);
  await run("go", ["mod", "verify"], { cwd: folder });
  await run("go", ["vet", "./..."], { cwd: folder });
}

/** The example is a separate module, which requires the package from its folder: a module is published as its files are. */
async function writeExample(
  code: string,
  pieces: readonly string[],
  exampleFolder: string,
): Promise<readonly string[]> {
  const module = "frontrow.example/sdk/go";
  const lines = ["module example", "go 1.26.0", `require ${module} v0.0.0`, `replace ${module} => ${folder}`, ""];
  await writeFile(join(exampleFolder, "go.mod"), lines.join("\n"));
  await cp(join(folder, "go.sum"), join(exampleFolder, "go.sum"));
  await writeFile(join(exampleFolder, "main.go"), code);
  const { stdout: unformatted } = await run("gofmt", ["-d", "main.go"], { cwd: exampleFolder });
  if (unformatted !== "") throw new Error(`gofmt would change the example:\n${unformatted}`);
  await mkdir(join(exampleFolder, "pieces"));
  await writeFile(join(exampleFolder, "pieces", "pieces.go"), packageOf(pieces));
  await run("go", ["vet", "-mod=mod", "./..."], { cwd: exampleFolder });
  await run("go", ["build", "-mod=mod", "-o", "example", "."], { cwd: exampleFolder });
  return [join(exampleFolder, "example")];
}

/** Each piece makes a client. Go refuses imports that are not used. */
function packageOf(pieces: readonly string[]): string {
  const functions = pieces.map(
    (piece, index) =>
      `func piece${index + 1}(fetchToken frontrow.TokenSource) (*frontrow.Client, error) {\n${piece}return client, err\n}\n`,
  );
  const used = ["context", "errors", "fmt", "time"].filter((name) =>
    functions.some((text) => text.includes(`${name}.`)),
  );
  const imports = [...used, "frontrow.example/sdk/go"].map((path) => `import "${path}"\n`);
  return ["package pieces\n", ...imports, ...functions].join("\n");
}

export const goPlayer: SdkPlayer = {
  name: "go",
  toolchain: go,
  clients: ["Go", "Go Connect"],
  skipped: hasRaceDetector ? [] : ["Go's race detector: cgo is off, or there is no C compiler"],
  example: "go sdk example",
  piece: "go sdk piece",
  fetch,
  build,
  // With the package's other tests, which need no stage.
  play: () => ["go", ...test, "-count=1", "./..."],
  writeExample,
};

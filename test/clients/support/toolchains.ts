/** Builds the clients in other languages, each with stubs that its own tools generate from the schema. */
import { glob } from "node:fs/promises";
import { join } from "node:path";
import {
  generate,
  generatePython,
  goGenerators,
  go as goTools,
  javaGenerators,
  java as javaTools,
  missingCommand,
  pythonEnvironment,
  python as pythonTools,
  run,
  type Toolchain as Tools,
  toolCache,
} from "../../../scripts/toolchains.ts";
import { projectRoot } from "../../support/project-root.ts";

export interface Toolchain extends Tools {
  /** Builds the client and returns its command line, without the client's name and the address. */
  build(): Promise<readonly string[]>;
}

const sources = join(projectRoot, "test", "clients");

export const go: Toolchain = { ...goTools, build: buildGo };
export const python: Toolchain = { ...pythonTools, build: buildPython };
export const java: Toolchain = { ...javaTools, build: buildJava };

/** Whether a toolchain is installed. If not, prints that its clients are skipped. */
export function isInstalled(toolchain: Tools): boolean {
  const missing = missingCommand(toolchain);
  if (missing) {
    process.stderr.write(`tests: SKIPPED: the clients in ${toolchain.language}: \`${missing}\` is not installed\n`);
  }
  return missing === undefined;
}

/** Builds grpcurl from the Go module proxy and returns its path. */
export async function buildGrpcurl(): Promise<string> {
  const bin = join(toolCache, "grpcurl");
  const env = { ...process.env, GOBIN: bin };
  await run("go", ["install", "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"], { env });
  return join(bin, "grpcurl");
}

async function buildGo(): Promise<readonly string[]> {
  const cwd = join(sources, "go");
  // Beside the module's own packages, which import it.
  const target = { out: join(cwd, "gen"), opt: "paths=source_relative" };
  const override = [{ file_option: "go_package_prefix", value: "frontrow/test/clients/gen" }];
  const plugins = (await goGenerators()).map((plugin) => ({ local: plugin, ...target }));
  await generate(plugins, { override });
  const caller = join(toolCache, "go", "caller");
  await run("go", ["build", "-o", caller, "./caller"], { cwd });
  return [caller];
}

async function buildPython(): Promise<readonly string[]> {
  const stubs = join(toolCache, "python", "stubs");
  const executable = await pythonEnvironment();
  await generatePython(executable, stubs, {});
  return ["env", `PYTHONPATH=${stubs}`, executable, join(sources, "python", "caller.py")];
}

async function buildJava(): Promise<readonly string[]> {
  const folder = join(toolCache, "java");
  const { protoc, grpc, library } = await javaGenerators();
  const stubs = join(folder, "stubs");
  await generate([
    { protoc_builtin: "java", protoc_path: protoc, out: stubs },
    { local: grpc, out: stubs },
  ]);
  const files = await Array.fromAsync(glob(join(stubs, "**", "*.java")));
  const classes = join(folder, "classes");
  const classPath = join(library, "*");
  await run("javac", ["-cp", classPath, "-d", classes, ...files, join(sources, "java", "Caller.java")]);
  return ["java", "-cp", `${classes}:${classPath}`, "Caller"];
}

/**
 * Builds the clients in other languages, each with stubs that its own tools generate from the schema. Downloads and results
 * are kept in node_modules/.cache, and each tool takes packages from where it is configured to.
 */
import { execFile, execFileSync } from "node:child_process";
import { chmod, glob, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../support/project-root.ts";

export interface Toolchain {
  readonly language: string;
  /** Commands that must be installed, each with an argument by which it prints its version. */
  readonly needs: readonly (readonly [command: string, argument: string])[];
  /** Builds the client and returns its command line, without the client's name and the address. */
  build(): Promise<readonly string[]>;
}

const run = promisify(execFile);
const cache = join(projectRoot, "node_modules", ".cache", "clients");
const buf = join(projectRoot, "node_modules", ".bin", "buf");
const sources = join(projectRoot, "test", "clients");

export const go: Toolchain = { language: "Go", needs: [["go", "version"]], build: buildGo };
export const python: Toolchain = { language: "Python", needs: [["python3", "--version"]], build: buildPython };
export const java: Toolchain = {
  language: "Java",
  needs: [
    ["javac", "-version"],
    ["mvn", "--version"],
  ],
  build: buildJava,
};

/** Whether a toolchain is installed. If not, prints that its clients are skipped. */
export function isInstalled({ language, needs }: Pick<Toolchain, "language" | "needs">): boolean {
  const missing = needs.find(([command, argument]) => !canRun(command, argument));
  if (missing) process.stderr.write(`tests: SKIPPED: the clients in ${language}: \`${missing[0]}\` is not installed\n`);
  return missing === undefined;
}

function canRun(command: string, argument: string): boolean {
  try {
    execFileSync(command, [argument], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Builds grpcurl from the Go module proxy and returns its path. */
export async function buildGrpcurl(): Promise<string> {
  const bin = join(cache, "grpcurl");
  const env = { ...process.env, GOBIN: bin };
  await run("go", ["install", "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"], { env });
  return join(bin, "grpcurl");
}

async function buildGo(): Promise<readonly string[]> {
  const bin = join(cache, "go");
  const cwd = join(sources, "go");
  await run("go", ["install", "tool"], { cwd, env: { ...process.env, GOBIN: bin } });
  // Beside the module's own packages, which import it.
  const target = { out: join(cwd, "gen"), opt: "paths=source_relative" };
  const plugins = ["protoc-gen-go", "protoc-gen-go-grpc", "protoc-gen-connect-go"];
  await generate(
    plugins.map((plugin) => ({ local: join(bin, plugin), ...target })),
    [{ file_option: "go_package_prefix", value: "frontrow/test/clients/gen" }],
  );
  await run("go", ["build", "-o", join(bin, "caller"), "./caller"], { cwd });
  return [join(bin, "caller")];
}

async function buildPython(): Promise<readonly string[]> {
  const folder = join(cache, "python");
  const executable = join(folder, "venv", "bin", "python");
  await run("python3", ["-m", "venv", join(folder, "venv")]);
  await run(executable, ["-m", "pip", "install", "--quiet", "-r", join(sources, "python", "requirements.txt")]);
  const stubs = join(folder, "stubs");
  const protoc = [executable, "-m", "grpc_tools.protoc"];
  await generate([{ protoc_builtin: "python", protoc_path: protoc, out: stubs }]);
  // buf has no name for the plugin that is inside grpc_tools.
  const image = join(folder, "schema.binpb");
  await run(buf, ["build", "proto", "--as-file-descriptor-set", "--output", image], { cwd: projectRoot });
  const services = ["frontrow/v1/booking_service.proto", "frontrow/v1/concert_service.proto"];
  const flags = [`--descriptor_set_in=${image}`, `--grpc_python_out=${stubs}`];
  await run(executable, [...protoc.slice(1), ...flags, ...services]);
  return ["env", `PYTHONPATH=${stubs}`, executable, join(sources, "python", "caller.py")];
}

async function buildJava(): Promise<readonly string[]> {
  const folder = join(cache, "java");
  const library = join(folder, "lib");
  // As Maven's os plugin names them.
  const platform = `${process.platform === "darwin" ? "osx" : "linux"}-${process.arch === "arm64" ? "aarch_64" : "x86_64"}`;
  const goals = ["dependency:copy", "dependency:copy-dependencies"];
  const flags = ["--batch-mode", "--quiet", "--file", join(sources, "java", "pom.xml")];
  await run("mvn", [...flags, ...goals, `-Dfolder=${library}`, `-Dplatform=${platform}`]);
  const [protoc, plugin] = [`protoc-${platform}.exe`, `protoc-gen-grpc-java-${platform}.exe`].map((name) =>
    join(library, name),
  ) as [string, string];
  await Promise.all([protoc, plugin].map((file) => chmod(file, 0o755)));
  const stubs = join(folder, "stubs");
  await generate([
    { protoc_builtin: "java", protoc_path: protoc, out: stubs },
    { local: plugin, out: stubs },
  ]);
  const files = await Array.fromAsync(glob(join(stubs, "**", "*.java")));
  const classes = join(folder, "classes");
  const classPath = join(library, "*");
  await run("javac", ["-cp", classPath, "-d", classes, ...files, join(sources, "java", "Caller.java")]);
  return ["java", "-cp", `${classes}:${classPath}`, "Caller"];
}

/**
 * Generates code with plugins of buf.gen.yaml's form. The annotations for validation, REST and errors are left out: code in other
 * languages would need the packages that declare them.
 */
async function generate(
  plugins: readonly { readonly out: string; readonly [option: string]: unknown }[],
  override: readonly unknown[] = [],
): Promise<void> {
  await run(process.execPath, [join(projectRoot, "scripts", "print-validate-proto.ts")]);
  await Promise.all(plugins.map(({ out }) => mkdir(out, { recursive: true })));
  const template = {
    version: "v2",
    clean: true,
    managed: { enabled: true, override },
    inputs: [{ directory: "proto", exclude_types: ["buf.validate", "google.api", "google.rpc"] }],
    plugins,
  };
  await run(buf, ["generate", "--template", JSON.stringify(template)], { cwd: projectRoot });
}

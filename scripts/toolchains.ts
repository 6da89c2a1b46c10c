/**
 * The toolchains of other languages: whether they are installed, and their code generators. Downloads are kept in
 * node_modules/.cache, and each tool takes packages from where it is configured to.
 */
import { execFile, execFileSync } from "node:child_process";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Toolchain {
  readonly language: string;
  /** Commands that must be installed, each with an argument by which it prints its version. */
  readonly needs: readonly (readonly [command: string, argument: string])[];
}

export const go: Toolchain = { language: "Go", needs: [["go", "version"]] };
export const python: Toolchain = { language: "Python", needs: [["python3", "--version"]] };
export const java: Toolchain = {
  language: "Java",
  needs: [
    ["javac", "-version"],
    ["mvn", "--version"],
  ],
};

const projectRoot = join(import.meta.dirname, "..");
const buf = join(projectRoot, "node_modules", ".bin", "buf");
/** Where the versions of the generators are pinned. */
const pinned = join(projectRoot, "test", "clients");
export const toolCache = join(projectRoot, "node_modules", ".cache", "clients");

const execute = promisify(execFile);

interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Go's compiler needs minutes for the modules of others, with an empty cache. */
const runTimeoutMs = 300_000;

/** Runs a program to its end. Its output is in the error if it fails. */
export function run(command: string, args: readonly string[], options: RunOptions = {}) {
  return execute(command, args, { maxBuffer: 64 * 1024 * 1024, timeout: runTimeoutMs, ...options });
}

/** The first command of a toolchain that is not installed. */
export function missingCommand({ needs }: Pick<Toolchain, "needs">): string | undefined {
  return needs.find(([command, argument]) => !canRun(command, argument))?.[0];
}

function canRun(command: string, argument: string): boolean {
  try {
    execFileSync(command, [argument], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Builds the generators of Go and returns their paths: messages, gRPC, Connect. */
export async function goGenerators(): Promise<readonly string[]> {
  const bin = join(toolCache, "go");
  await run("go", ["install", "tool"], { cwd: join(pinned, "go"), env: { ...process.env, GOBIN: bin } });
  return ["protoc-gen-go", "protoc-gen-go-grpc", "protoc-gen-connect-go"].map((name) => join(bin, name));
}

/** Makes a Python environment with grpcio-tools, and returns its interpreter. */
export async function pythonEnvironment(): Promise<string> {
  const folder = join(toolCache, "python", "venv");
  const executable = join(folder, "bin", "python");
  await run("python3", ["-m", "venv", folder]);
  await run(executable, ["-m", "pip", "install", "--quiet", "-r", join(pinned, "python", "requirements.txt")]);
  return executable;
}

/** Generates stubs for grpcio: messages with type stubs, and services. */
export async function generatePython(executable: string, out: string, input: GenerateInput): Promise<void> {
  const protoc = [executable, "-m", "grpc_tools.protoc"];
  const plugins = ["python", "pyi"].map((name) => ({ protoc_builtin: name, protoc_path: protoc, out }));
  await generate(plugins, input);
  // buf has no name for the plugin that is inside grpc_tools.
  const image = join(toolCache, "python", "schema.binpb");
  await run(buf, ["build", "proto", "--as-file-descriptor-set", "--output", image], { cwd: projectRoot });
  const services = ["frontrow/v1/booking_service.proto", "frontrow/v1/concert_service.proto"];
  const flags = [`--descriptor_set_in=${image}`, `--grpc_python_out=${out}`];
  await run(executable, [...protoc.slice(1), ...flags, ...services]);
}

/** Fetches the generators of Java, and the libraries of test/clients/java into the same folder. Returns their paths. */
export async function javaGenerators() {
  const library = join(toolCache, "java", "lib");
  // As Maven's os plugin names them.
  const platform = `${process.platform === "darwin" ? "osx" : "linux"}-${process.arch === "arm64" ? "aarch_64" : "x86_64"}`;
  const goals = ["dependency:copy", "dependency:copy-dependencies"];
  const flags = ["--batch-mode", "--quiet", "--file", join(pinned, "java", "pom.xml")];
  await run("mvn", [...flags, ...goals, `-Dfolder=${library}`, `-Dplatform=${platform}`]);
  const pathOf = (name: string) => join(library, `${name}-${platform}.exe`);
  const [protoc, grpc] = [pathOf("protoc"), pathOf("protoc-gen-grpc-java")];
  await Promise.all([protoc, grpc].map((file) => chmod(file, 0o755)));
  return { protoc, grpc, library };
}

export interface GenerateInput {
  /** Overrides of buf's managed mode, such as the packages of Java. */
  readonly override?: readonly unknown[];
  /** Types to leave out, besides those of buf.validate, google.api and google.rpc. */
  readonly exclude?: readonly string[];
  /** Files of the schema, if not all of them. */
  readonly paths?: readonly string[];
  /** More inputs, in the form of buf.gen.yaml. */
  readonly inputs?: readonly unknown[];
}

/**
 * Generates code with plugins of buf.gen.yaml's form. The annotations for validation, REST and errors are left out: code in other
 * languages would need the packages that declare them.
 */
export async function generate(
  plugins: readonly { readonly out: string; readonly [option: string]: unknown }[],
  { override = [], exclude = [], paths, inputs = [] }: GenerateInput = {},
): Promise<void> {
  await run(process.execPath, [join(projectRoot, "scripts", "print-validate-proto.ts")]);
  await Promise.all(plugins.map(({ out }) => mkdir(out, { recursive: true })));
  const exclude_types = ["buf.validate", "google.api", "google.rpc", ...exclude];
  const template = {
    version: "v2",
    clean: true,
    managed: { enabled: true, override },
    inputs: [{ directory: "proto", exclude_types, ...(paths && { paths }) }, ...inputs],
    plugins,
  };
  await run(buf, ["generate", "--template", JSON.stringify(template)], { cwd: projectRoot });
}

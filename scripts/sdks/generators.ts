/** What is generated in each SDK, and how. */
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type GenerateInput,
  generate,
  generatePython,
  go,
  goGenerators,
  java,
  javaGenerators,
  python,
  pythonEnvironment,
  type Toolchain,
} from "../toolchains.ts";
import { emitGoErrors } from "./errors-go.ts";
import { emitJavaErrors } from "./errors-java.ts";
import { emitPythonErrors } from "./errors-python.ts";
import { emitTypeScriptErrors } from "./errors-typescript.ts";
import type { EmittedFile, Reason } from "./reasons.ts";

export interface SdkGenerator {
  readonly toolchain: Toolchain;
  /** Files and folders, from the SDK's folder, that have generated code only. */
  readonly generated: readonly string[];
  /** Writes them below this folder. */
  generate(folder: string): Promise<void>;
  emitErrors(reasons: readonly Reason[]): readonly EmittedFile[];
}

const projectRoot = join(import.meta.dirname, "..", "..");

/** The options of methods, fields and reasons are for the server: clients need the messages and the services. */
const forClients: GenerateInput = {
  paths: ["booking", "booking_service", "concert", "concert_service"].map((name) => `proto/frontrow/v1/${name}.proto`),
  exclude: [
    ...["frontrow.v1.Access", "frontrow.v1.OwnedResource", "frontrow.v1.Lane", "frontrow.v1.access"],
    ...["frontrow.v1.Tool", "frontrow.v1.tool"],
    ...["frontrow.v1.ErrorReason", "frontrow.v1.ErrorDescription", "frontrow.v1.RetryDelay"],
    ...["frontrow.v1.ErrorOrigin", "frontrow.v1.error", "frontrow.v1.error_reasons", "frontrow.v1.normalized"],
  ],
};

/** The messages of error details, which connect-es does not have. The other languages have a package for them. */
const errorDetails = {
  directory: "node_modules/google-proto-files",
  paths: ["node_modules/google-proto-files/google/rpc/error_details.proto"],
};

export const sdkGenerators = {
  typescript: {
    toolchain: { language: "TypeScript", needs: [] },
    generated: ["src/gen"],
    generate: (folder) =>
      generate(
        [
          {
            local: join(projectRoot, "node_modules", ".bin", "protoc-gen-es"),
            out: join(folder, "src", "gen"),
            opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"],
          },
        ],
        { ...forClients, inputs: [errorDetails] },
      ),
    emitErrors: emitTypeScriptErrors,
  },
  python: {
    toolchain: python,
    generated: ["src/frontrow/v1", "src/frontrow/_errors_gen.py"],
    // Its modules import each other by the schema's path: `from frontrow.v1 import booking_pb2`.
    generate: (folder) =>
      throughTemporary(async (out) => {
        await generatePython(await pythonEnvironment(), out, forClients);
        await cp(join(out, "frontrow", "v1"), join(folder, "src", "frontrow", "v1"), { recursive: true });
      }),
    emitErrors: emitPythonErrors,
  },
  go: {
    toolchain: go,
    generated: ["gen", "errors_gen.go"],
    generate: async (folder) => {
      const target = { out: join(folder, "gen"), opt: "paths=source_relative" };
      const override = [{ file_option: "go_package_prefix", value: "frontrow.example/sdk/go/gen" }];
      const plugins = (await goGenerators()).map((plugin) => ({ local: plugin, ...target }));
      await generate(plugins, { ...forClients, override });
    },
    emitErrors: emitGoErrors,
  },
  java: {
    toolchain: java,
    generated: ["v1", "errors", "ErrorsByReason.java"].map((name) => `src/main/java/com/frontrow/${name}`),
    // The names of its packages begin with "com" by buf's default.
    generate: (folder) =>
      throughTemporary(async (out) => {
        const { protoc, grpc } = await javaGenerators();
        await generate(
          [
            { protoc_builtin: "java", protoc_path: protoc, out },
            { local: grpc, out },
          ],
          forClients,
        );
        const packageFolder = join("com", "frontrow", "v1");
        await cp(join(out, packageFolder), join(folder, "src", "main", "java", packageFolder), { recursive: true });
      }),
    emitErrors: emitJavaErrors,
  },
} as const satisfies Readonly<Record<string, SdkGenerator>>;

export type SdkName = keyof typeof sdkGenerators;
export const sdkNames = Object.keys(sdkGenerators) as SdkName[];

/** Writes all generated code of an SDK below `folder`, in place of what is there. */
export async function generateSdk(generator: SdkGenerator, folder: string, reasons: readonly Reason[]): Promise<void> {
  await Promise.all(generator.generated.map((path) => rm(join(folder, path), { recursive: true, force: true })));
  await generator.generate(folder);
  for (const { path, text } of generator.emitErrors(reasons)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** For generators that empty their output folder, where the SDK has other files beside the generated ones. */
async function throughTemporary(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-generated-"));
  await work(folder).finally(() => rm(folder, { recursive: true }));
}

/** The test-only schemas in test/proto, compiled as `buf build` does it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { projectRoot } from "../project-root.ts";

const run = promisify(execFile);

/** Compiles the test schemas and finds one of their services. */
export async function loadTestService(typeName: string): Promise<DescService> {
  // What our own schema imports.
  await run(process.execPath, ["scripts/print-validate-proto.ts"], { cwd: projectRoot });
  const paths = ["test/proto", "proto", ".proto", "node_modules/google-proto-files"];
  const config = JSON.stringify({ version: "v2", modules: paths.map((path) => ({ path })) });
  const buf = join(projectRoot, "node_modules", ".bin", "buf");
  const args = ["build", ".", "--config", config, "--path", "test/proto/frontrow", "-o", "-#format=binpb"];
  const { stdout } = await run(buf, args, { cwd: projectRoot, encoding: "buffer", maxBuffer: 16 * 1024 * 1024 });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout));
  const service = registry.getService(typeName);
  if (service === undefined) throw new Error(`the test schema has no service ${typeName}`);
  return service;
}

/** The comments of the reasons in the schema, which generated code does not keep. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ErrorReasonSchema } from "../gen/frontrow/v1/error_reason_pb.ts";
import type { ReasonName } from "../src/rpc/reasons.ts";
import { commentOf } from "./schema/comments.ts";

const projectRoot = join(import.meta.dirname, "..");

/** Each reason's comment, in one line. */
export function readReasonComments(): (reason: ReasonName) => string {
  const buf = join(projectRoot, "node_modules", ".bin", "buf");
  const image = execFileSync(buf, ["build", "proto", "--output", "-"], { cwd: projectRoot });
  const reasons = createFileRegistry(fromBinary(FileDescriptorSetSchema, image)).getEnum(ErrorReasonSchema.typeName);
  const comments = new Map(reasons?.values.map((value) => [value.localName, commentOf(value)]));
  return (reason) => comments.get(reason) ?? "";
}

/** The comments of the reasons in the schema, which generated code does not keep. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ErrorReasonSchema } from "../gen/frontrow/v1/error_reason_pb.ts";
import type { ReasonName } from "../src/rpc/reasons.ts";

const projectRoot = join(import.meta.dirname, "..");

/** Each reason's comment, in one line. */
export function readReasonComments(): (reason: ReasonName) => string {
  const buf = join(projectRoot, "node_modules", ".bin", "buf");
  const image = execFileSync(buf, ["build", "proto", "--output", "-"], { cwd: projectRoot });
  const { file: files } = fromBinary(FileDescriptorSetSchema, image);
  const file = files.find(({ name }) => name === ErrorReasonSchema.file.proto.name);
  const index = file?.enumType.findIndex(({ name }) => name === ErrorReasonSchema.name);
  const locations = file?.sourceCodeInfo?.location ?? [];
  const comments = new Map(
    ErrorReasonSchema.values.map(({ localName }, i) => {
      // The path of an enum's value: field 5 of the file, field 2 of the enum.
      const location = locations.find(({ path }) => path.join() === [5, index, 2, i].join());
      return [localName, location?.leadingComments.trim().replaceAll(/\s+/g, " ") ?? ""];
    }),
  );
  return (reason) => comments.get(reason) ?? "";
}

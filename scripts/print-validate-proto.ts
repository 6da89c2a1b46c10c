/**
 * Writes buf/validate/validate.proto to the git-ignored folder .proto/.
 *
 * Our schema imports protovalidate's rules, but no npm package ships their .proto source; `@bufbuild/protovalidate`
 * has the descriptor, with everything that the compiler needs. Printing it keeps the schema and the validator on the same
 * version, and third-party source out of this repository.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DescEnum, DescExtension, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Label } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}`);

function typeName(field: DescField | DescExtension): string {
  const element = field.fieldKind === "list" ? field.listKind : field.fieldKind;
  if (element === "map")
    throw new Error(`${field.name}: validate.proto has a map field, which this script does not print yet`);
  if (element === "message" && field.message !== undefined) return `.${field.message.typeName}`;
  if (element === "enum" && field.enum !== undefined) return `.${field.enum.typeName}`;
  if (field.scalar !== undefined) return ScalarType[field.scalar].toLowerCase();
  throw new Error(`${field.name}: unknown kind ${element}`);
}

function printField(field: DescField | DescExtension, inOneof = false): string {
  const label = field.proto.label === FieldDescriptorProto_Label.REPEATED ? "repeated " : inOneof ? "" : "optional ";
  return `${label}${typeName(field)} ${field.name} = ${field.number};`;
}

function printEnum(desc: DescEnum): string[] {
  return [`enum ${desc.name} {`, ...indent(desc.values.map((value) => `${value.name} = ${value.number};`)), "}"];
}

function printMessage(desc: DescMessage): string[] {
  const members = desc.members.flatMap((member) =>
    member.kind === "oneof"
      ? [`oneof ${member.name} {`, ...indent(member.fields.map((field) => printField(field, true))), "}"]
      : [printField(member)],
  );
  // The descriptor's end is exclusive; 2^29 stands for "max".
  const ranges = desc.proto.extensionRange.map(
    ({ start, end }) => `extensions ${start} to ${end === 1 << 29 ? "max" : end - 1};`,
  );
  return [
    `message ${desc.name} {`,
    ...indent([...desc.nestedEnums.flatMap(printEnum), ...desc.nestedMessages.flatMap(printMessage)]),
    ...indent([...members, ...ranges]),
    "}",
  ];
}

function printFile(file: DescFile): string {
  return [
    'syntax = "proto2";',
    `package ${file.proto.package};`,
    ...file.proto.dependency.map((path) => `import "${path}";`),
    ...file.enums.flatMap(printEnum),
    ...file.messages.flatMap(printMessage),
    ...file.extensions.flatMap((field) => [`extend .${field.extendee.typeName} {`, `  ${printField(field)}`, "}"]),
    "",
  ].join("\n");
}

const target = join(import.meta.dirname, "..", ".proto", "buf", "validate", "validate.proto");
mkdirSync(dirname(target), { recursive: true });
// In one step: another process may be reading the file.
const draft = `${target}.${process.pid}`;
writeFileSync(draft, printFile(file_buf_validate_validate));
renameSync(draft, target);

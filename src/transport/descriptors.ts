/** Finds the .proto files that reflection hands out: by name, by symbol, by extension. */
import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** A .proto file. Names are as imports spell them, with `.proto`. */
export interface ProtoFile {
  readonly name: string;
  /** A serialized FileDescriptorProto. */
  readonly bytes: Uint8Array;
  readonly imports: readonly ProtoFile[];
}

export interface Descriptors {
  fileByName(name: string): ProtoFile | undefined;
  /** The file that declares a service, method, message, field, oneof, enum, enum value or extension of this full name. */
  fileBySymbol(symbol: string): ProtoFile | undefined;
  fileByExtension(messageName: string, fieldNumber: number): ProtoFile | undefined;
  /** The numbers of the known extensions of a message, ascending; undefined if there is no such message. */
  extensionNumbers(messageName: string): readonly number[] | undefined;
}

interface Index {
  readonly files: Map<string, ProtoFile>;
  readonly symbols: Map<string, ProtoFile>;
  /** By the extended message. Every message is here, with or without extensions. */
  readonly extensions: Map<string, Map<number, ProtoFile>>;
}

/** Indexes these files and everything they import. */
export function createDescriptors(files: Iterable<DescFile>): Descriptors {
  const index: Index = { files: new Map(), symbols: new Map(), extensions: new Map() };
  for (const file of files) addFile(index, file);

  return {
    fileByName: (name) => index.files.get(name),
    fileBySymbol: (symbol) => index.symbols.get(symbol),
    fileByExtension: (messageName, fieldNumber) => index.extensions.get(messageName)?.get(fieldNumber),
    extensionNumbers(messageName) {
      const numbers = index.extensions.get(messageName)?.keys();
      return numbers && [...numbers].sort((a, b) => a - b);
    },
  };
}

function addFile(index: Index, { proto, dependencies }: DescFile): ProtoFile {
  const known = index.files.get(proto.name);
  if (known !== undefined) return known;
  const imports = dependencies.map((dependency) => addFile(index, dependency));
  const file = { name: proto.name, bytes: toBinary(FileDescriptorProtoSchema, proto), imports };
  index.files.set(file.name, file);

  addDeclarations(index, file, proto.package, proto);
  for (const message of proto.messageType) addMessage(index, file, qualified(proto.package, message.name), message);
  for (const service of proto.service) {
    const fullName = qualified(proto.package, service.name);
    index.symbols.set(fullName, file);
    for (const method of service.method) index.symbols.set(qualified(fullName, method.name), file);
  }
  return file;
}

function addMessage(index: Index, file: ProtoFile, fullName: string, message: DescriptorProto): void {
  index.symbols.set(fullName, file);
  extensionsOf(index, fullName);
  addDeclarations(index, file, fullName, message);
  for (const { name } of [...message.field, ...message.oneofDecl]) index.symbols.set(qualified(fullName, name), file);
  for (const nested of message.nestedType) addMessage(index, file, qualified(fullName, nested.name), nested);
}

/** Adds what can be declared in a file as well as in a message: enums and extensions. */
function addDeclarations(
  index: Index,
  file: ProtoFile,
  scope: string,
  { enumType, extension }: Pick<DescriptorProto, "enumType" | "extension">,
): void {
  for (const { name, value } of enumType) {
    index.symbols.set(qualified(scope, name), file);
    // In Protobuf an enum's values are siblings of the enum, as in C++.
    for (const { name } of value) index.symbols.set(qualified(scope, name), file);
  }
  for (const { name, extendee, number } of extension) {
    index.symbols.set(qualified(scope, name), file);
    extensionsOf(index, extendee.replace(/^\./, "")).set(number, file);
  }
}

function extensionsOf(index: Index, messageName: string): Map<number, ProtoFile> {
  const known = index.extensions.get(messageName);
  if (known !== undefined) return known;
  const extensions = new Map<number, ProtoFile>();
  index.extensions.set(messageName, extensions);
  return extensions;
}

function qualified(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}

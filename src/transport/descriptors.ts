/** Finds the .proto files that reflection sends: by name, by symbol, by extension. */
import { createRegistry, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

export type Descriptors = ReturnType<typeof createDescriptors>;

/** The descriptors of these files and of all that they import. */
export function createDescriptors(roots: Iterable<DescFile>) {
  const files = new Set(roots);
  // The iteration of a set includes what is added meanwhile.
  for (const file of files) for (const imported of file.dependencies) files.add(imported);
  const byName = new Map(Array.from(files, (file) => [file.proto.name, file]));
  const registry = createRegistry(...files);
  const members = new Map(Array.from(registry).flatMap((type) => membersOf(type).map((name) => [name, type.file])));

  return {
    /** Names are as imports spell them, with `.proto`. */
    fileByName: (name: string) => byName.get(name),
    /** The file that declares a service, method, message, field, oneof, enum, enum value or extension of this full name. */
    fileBySymbol: (symbol: string): DescFile | undefined => registry.get(symbol)?.file ?? members.get(symbol),
    fileByExtension(messageName: string, fieldNumber: number): DescFile | undefined {
      const message = registry.getMessage(messageName);
      return message && registry.getExtensionFor(message, fieldNumber)?.file;
    },
    /** The numbers of the known extensions of a message, ascending; undefined if there is no such message. */
    extensionNumbers(messageName: string): readonly number[] | undefined {
      if (!registry.getMessage(messageName)) return undefined;
      const extensions = Array.from(registry).filter((type) => type.kind === "extension");
      const ofMessage = extensions.filter(({ extendee }) => extendee.typeName === messageName);
      return ofMessage.map(({ number }) => number).sort((a, b) => a - b);
    },
  };
}

type Type = NonNullable<ReturnType<ReturnType<typeof createRegistry>["get"]>>;

/** The full names of what a type declares and the registry does not list. */
function membersOf(type: Type): string[] {
  const { typeName } = type;
  switch (type.kind) {
    case "message": {
      const { field, oneofDecl, nestedType } = type.proto;
      // Nested messages are listed, but for the entries of maps.
      return [...field, ...oneofDecl, ...nestedType].map(({ name }) => `${typeName}.${name}`);
    }
    case "service":
      return type.methods.map(({ name }) => `${typeName}.${name}`);
    case "enum":
      // In Protobuf an enum's values are siblings of the enum, as in C++.
      return type.values.map(({ name }) => typeName.replace(/[^.]+$/, name));
    case "extension":
      return [];
  }
}

/** A serialized FileDescriptorProto. */
export function fileBytes({ proto }: DescFile): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, proto);
}

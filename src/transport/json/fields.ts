/** Finds a message's fields by the names that clients write. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";

interface FieldIndex {
  /** By the proto name and the JSON name. */
  readonly exact: ReadonlyMap<string, DescField>;
  /** By the name in lower case without underscores; fields that only those tell apart are not in it. */
  readonly loose: ReadonlyMap<string, DescField>;
}

const indexes = new WeakMap<DescMessage, FieldIndex>();

const looseName = (name: string) => name.replaceAll("_", "").toLowerCase();

function createIndex(desc: DescMessage): FieldIndex {
  const exact = new Map<string, DescField>();
  const loose = new Map<string, DescField>();
  const ambiguous = new Set<string>();
  for (const field of desc.fields) {
    exact.set(field.jsonName, field);
    const name = looseName(field.name);
    if (loose.has(name)) ambiguous.add(name);
    loose.set(name, field);
  }
  for (const field of desc.fields) exact.set(field.name, field);
  for (const name of ambiguous) loose.delete(name);
  return { exact, loose };
}

const indexOf = (desc: DescMessage) => indexes.getOrInsertComputed(desc, createIndex);

/** The field that ProtoJSON calls `key`: by its proto name or its JSON name. */
export function findField(desc: DescMessage, key: string): DescField | undefined {
  return indexOf(desc).exact.get(key);
}

/** The field that `key` names regardless of case and underscores: `userID`, `userId` and `user_id` are one. */
export function findFieldLoosely(desc: DescMessage, key: string): DescField | undefined {
  const index = indexOf(desc);
  return index.exact.get(key) ?? index.loose.get(looseName(key));
}

/** A field of a message, or of a message in it. */
export interface FieldPath {
  /** The message fields that lead to it, from the outermost in. */
  readonly parents: readonly DescField[];
  readonly field: DescField;
  /** The proto names of all of them, joined by dots. */
  readonly name: string;
}

/** The field that the names lead to through messages; undefined if there is none. */
export function resolveFieldPath(
  desc: DescMessage,
  names: readonly string[],
  find: typeof findField,
): FieldPath | undefined {
  const parents: DescField[] = [];
  let message: DescMessage | undefined = desc;
  for (const name of names.slice(0, -1)) {
    const parent: DescField | undefined = message && find(message, name);
    if (parent?.fieldKind !== "message" || hasCustomJsonRepresentation(parent.message)) return undefined;
    parents.push(parent);
    message = parent.message;
  }
  const field = find(message, names.at(-1) ?? "");
  return field && { parents, field, name: [...parents, field].map((each) => each.name).join(".") };
}

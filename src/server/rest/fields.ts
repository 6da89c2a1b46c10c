/** Finds a message's fields by the names that clients write. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";

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

function indexOf(desc: DescMessage): FieldIndex {
  let index = indexes.get(desc);
  if (index === undefined) {
    index = createIndex(desc);
    indexes.set(desc, index);
  }
  return index;
}

/** The field that ProtoJSON calls `key`: by its proto name or its JSON name. */
export function findField(desc: DescMessage, key: string): DescField | undefined {
  return indexOf(desc).exact.get(key);
}

/** The field that `key` names regardless of case and underscores: `userID`, `userId` and `user_id` are one. */
export function findFieldLoosely(desc: DescMessage, key: string): DescField | undefined {
  const index = indexOf(desc);
  return index.exact.get(key) ?? index.loose.get(looseName(key));
}

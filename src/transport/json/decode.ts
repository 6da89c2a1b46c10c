/**
 * The decoder of ProtoJSON, for REST and for Connect. One walk makes the message and refuses the first value that does not
 * fit, with its path. `fromJson` accepts values that would surprise a client (a rounded 64-bit number, "0x10" for 16), its
 * messages are for programmers, and it does not always name the field.
 */
import {
  create,
  type DescField,
  type DescMessage,
  isMessage,
  type JsonValue,
  type MessageShape,
  mergeFromJson,
  type Registry,
  type ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import {
  AnySchema,
  anyPack,
  hasCustomJsonRepresentation,
  isWrapperDesc,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import { invalidRequest, ValueFault } from "./fault.ts";
import { findField } from "./fields.ts";
import { readEnum, readMapKey, readScalar, type ScalarValue } from "./scalars.ts";
import { isJsonObject, parseJson } from "./text.ts";
import { maxDepth, readTimestamp, wellKnownTypes } from "./well-known.ts";

export interface JsonDecoderOptions {
  /**
   * REST refuses keys that the schema does not have. Connect ignores them, and such names of an enum too, so that newer
   * clients can call older servers.
   */
  readonly unknownKeys: "refuse" | "ignore";
  /** The messages that google.protobuf.Any may carry; none if it is not given. */
  readonly registry?: Registry | undefined;
}

/** A function from the bytes of a JSON text to a message. It throws INVALID_REQUEST with the first fault. */
export function createJsonDecoder<Desc extends DescMessage>(
  desc: Desc,
  options: JsonDecoderOptions,
): (bytes: Uint8Array) => MessageShape<Desc> {
  return (bytes) => decodeJson(desc, parseJson(bytes), options);
}

/** The message that a JSON value represents. Throws INVALID_REQUEST with the first fault. */
export function decodeJson<Desc extends DescMessage>(
  desc: Desc,
  value: JsonValue,
  options: JsonDecoderOptions,
): MessageShape<Desc> {
  if (!isJsonObject(value) && !hasCustomJsonRepresentation(desc))
    throw invalidRequest("", "the body must be a JSON object");
  const message = create(desc);
  try {
    readMessage(reflectUnchecked(desc, message), value, { path: "", depth: 0, options });
  } catch (error) {
    throw located(error, "");
  }
  return message;
}

/** The position of a value. */
interface Place {
  readonly path: string;
  readonly depth: number;
  readonly options: JsonDecoderOptions;
}

/** What is wrong with a value, with its path. */
function located(error: unknown, path: string, of = ""): unknown {
  return error instanceof ValueFault ? invalidRequest(path, of + error.message) : error;
}

const inside = ({ depth, options }: Place, path: string): Place => ({ path, depth: depth + 1, options });

/** Without the checks of `reflect` itself, because the walk has checked every value that it sets. */
function reflectUnchecked<Desc extends DescMessage>(desc: Desc, message?: MessageShape<Desc>): ReflectMessage {
  return reflect(desc, message, false);
}

function readMessage(target: ReflectMessage, value: JsonValue, place: Place): void {
  const { desc, message } = target;
  if (place.depth > maxDepth) throw new ValueFault("is nested too deeply");
  const wrapped = isWrapperDesc(desc) ? desc.fields[0] : undefined;
  const canonicalize = wellKnownTypes.get(desc.typeName);
  if (wrapped?.scalar !== undefined) target.set(wrapped, readScalar(wrapped.scalar, value));
  else if (isMessage(message, TimestampSchema)) Object.assign(message, readTimestamp(value));
  else if (canonicalize) mergeFromJson(desc, message, canonicalize(value, place.depth));
  else if (!isJsonObject(value)) throw new ValueFault("must be an object");
  else if (isMessage(message, AnySchema)) readAny(message, value, place);
  else readFields(target, value, place);
}

function readFields(target: ReflectMessage, object: Record<string, JsonValue>, place: Place): void {
  const seen = new Set<DescField>();
  for (const [key, value] of Object.entries(object)) {
    const field = findField(target.desc, key);
    const name = field?.name ?? key;
    const path = place.path === "" ? name : `${place.path}.${name}`;
    if (field === undefined) {
      if (place.options.unknownKeys === "refuse") throw invalidRequest(path, "unknown field");
      continue;
    }
    // The proto name and the JSON name of a field are two keys.
    if (seen.has(field)) throw invalidRequest(path, "given more than once");
    seen.add(field);
    // Null means the same as leaving the field out, unless the field can hold it.
    if (value === null && !isNullable(field)) continue;
    const rival = field.oneof && target.oneofCase(field.oneof);
    if (rival !== undefined) throw invalidRequest(path, `must not be given together with ${rival.name}`);
    readField(target, field, value, inside(place, path));
  }
}

function isNullable({ fieldKind, message, enum: desc }: DescField): boolean {
  if (fieldKind === "list" || fieldKind === "map") return false;
  return message?.typeName === "google.protobuf.Value" || desc?.typeName === "google.protobuf.NullValue";
}

function readField(target: ReflectMessage, field: DescField, value: JsonValue, place: Place): void {
  if (field.fieldKind === "list") {
    if (!Array.isArray(value)) throw invalidRequest(place.path, "must be a list");
    const list = target.get(field);
    for (const [index, item] of value.entries()) {
      const read = readSingle(field, item, inside(place, `${place.path}[${index}]`));
      if (read !== undefined) list.add(read);
    }
  } else if (field.fieldKind === "map") {
    if (!isJsonObject(value)) throw invalidRequest(place.path, "must be an object");
    const map = target.get(field);
    for (const [text, item] of Object.entries(value)) {
      const path = `${place.path}[${JSON.stringify(text)}]`;
      const key = readKey(field.mapKey, text, path);
      // Numbers can be written in more than one way.
      if (map.has(key)) throw invalidRequest(path, "given more than once");
      const read = readSingle(field, item, inside(place, path));
      if (read !== undefined) map.set(key, read);
    }
  } else {
    const read = readSingle(field, value, place);
    if (read !== undefined) target.set(field, read);
  }
}

/** One value of a field: the field's own, or one in its list or map. Undefined for one that is ignored. */
function readSingle(field: DescField, value: JsonValue, place: Place): ScalarValue | ReflectMessage | undefined {
  try {
    if (field.scalar !== undefined) return readScalar(field.scalar, value);
    if (field.enum !== undefined) return readEnum(field.enum, value, place.options.unknownKeys);
    if (value === null && field.message.typeName !== "google.protobuf.Value") throw new ValueFault("must not be null");
    const target = reflectUnchecked(field.message);
    readMessage(target, value, place);
    return target;
  } catch (error) {
    throw located(error, place.path);
  }
}

function readKey(type: ScalarType, text: string, path: string): ScalarValue {
  try {
    return readMapKey(type, text);
  } catch (error) {
    throw located(error, path, "its key ");
  }
}

function readAny(target: MessageShape<typeof AnySchema>, object: Record<string, JsonValue>, place: Place): void {
  if (Object.keys(object).length === 0) return;
  const { "@type": type, ...fields } = object;
  const name = typeof type === "string" ? type.slice(type.lastIndexOf("/") + 1) : "";
  const desc = place.options.registry?.getMessage(name);
  if (desc === undefined) throw new ValueFault("must have an @type that names a message of this server");
  const message = create(desc);
  const { value = null } = fields;
  readMessage(
    reflectUnchecked(desc, message),
    hasCustomJsonRepresentation(desc) ? value : fields,
    inside(place, place.path),
  );
  anyPack(desc, message, target);
}

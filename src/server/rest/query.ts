/** Reads query strings, and values written as bare text (query parameters, path variables) as the JSON they stand for. */
import { type DescField, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

export interface QueryParameter {
  readonly key: string;
  readonly value: string;
}

/** Splits a query string. Throws a URIError if it is not percent-encoded UTF-8. */
export function parseQuery(query: string): QueryParameter[] {
  if (query === "") return [];
  return query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      const [key, value] = equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
      return { key: decode(key), value: decode(value) };
    });
}

const decode = (text: string) => decodeURIComponent(text.replaceAll("+", " "));

/** Why the query cannot carry a field; undefined if it can. */
export function whyNotInQuery(field: DescField): string | undefined {
  if (field.fieldKind === "map") return "a map cannot be sent in the query";
  const { message } = field;
  if (message === undefined || textMessages.has(message.typeName) || isWrapperDesc(message)) return undefined;
  if (field.fieldKind === "list") return "a list of messages cannot be sent in the query";
  return `cannot be sent as one value; send its fields, as in ${field.name}.${message.fields[0]?.name ?? "field"}`;
}

/** The messages, wrappers aside, that ProtoJSON writes as a string. */
const textMessages: ReadonlySet<string> = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
]);

/** The JSON for one value of a field that was written as bare text. Text that does not fit stays, to be refused later. */
export function textToJson(field: DescField, text: string): JsonValue {
  const { message } = field;
  const wrapped = message !== undefined && isWrapperDesc(message) ? message.fields[0] : undefined;
  if (wrapped !== undefined) return textToJson(wrapped, text);
  // ProtoJSON writes the names in a field mask in lowerCamelCase; our REST speaks snake_case, so both are taken.
  if (message?.typeName === "google.protobuf.FieldMask") {
    return text.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  }
  if (field.scalar === ScalarType.BOOL && (text === "true" || text === "false")) return text === "true";
  if (field.enum !== undefined && /^-?\d{1,10}$/.test(text)) return Number(text);
  return text;
}

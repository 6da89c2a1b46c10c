/** Reads query strings, and values written as bare text (query parameters, path variables) as the JSON they represent. */
import { type DescField, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

export interface QueryParameter {
  readonly key: string;
  /** The value as HTML forms mean it: a plus sign is a space. */
  readonly text: string;
  /** The value with its plus signs. */
  readonly literal: string;
  /** Whether it has no equals sign, and so no value. */
  readonly isBare: boolean;
}

/** Splits a query string. Throws a URIError if it is not percent-encoded UTF-8. */
export function parseQuery(query: string): QueryParameter[] {
  return query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      const isBare = equals < 0;
      const [key, value] = isBare ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
      const text = decode(value);
      return { key: decode(key), text, literal: value.includes("+") ? decodeURIComponent(value) : text, isBare };
    });
}

const decode = (text: string) => decodeURIComponent(text.replaceAll("+", " "));

/**
 * The JSON for a parameter of a field; undefined for one that leaves the field unset. A plus sign is a space in a text
 * only: no other value has a space, and times and numbers have plus signs. An empty value is a value of texts only: forms
 * send it for each field that is left empty.
 */
export function parameterToJson(field: DescField, { text, literal, isBare }: QueryParameter): JsonValue | undefined {
  if (isText(field)) return textToJson(field, text);
  return literal === "" && !isBare ? undefined : textToJson(field, literal);
}

function isText({ scalar, message }: DescField): boolean {
  return scalar === ScalarType.STRING || message?.typeName === "google.protobuf.StringValue";
}

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
  // ProtoJSON writes the names in a field mask in lowerCamelCase; our REST uses snake_case, so both are accepted.
  if (message?.typeName === "google.protobuf.FieldMask") {
    return text.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  }
  if (field.scalar === ScalarType.BOOL && (text === "true" || text === "false")) return text === "true";
  if (field.enum !== undefined && /^-?\d{1,10}$/.test(text)) return Number(text);
  return text;
}

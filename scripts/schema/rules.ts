/**
 * The rules of a field (protovalidate) as keywords of JSON Schema. A rule that is not known here is an error: the documents
 * would say that the service accepts more than it does.
 */
import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  type FieldRules,
  FieldRulesSchema,
  Ignore,
  type Rule,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { integerPattern } from "./integer-pattern.ts";

/** Keywords, and patterns that must all match: a schema has one `pattern` only. */
export interface Keywords {
  readonly keywords: JsonObject;
  readonly patterns: readonly string[];
}

const hex = (digits: number) => `[0-9a-fA-F]{${digits}}`;
const uuid = `^${[8, 4, 4, 4, 12].map(hex).join("-")}$`;

/** The keywords of a rule, by its name. A rule that adds none is implied by the type, or is no limit. */
const keywordsOfRule: Readonly<Record<string, (value: unknown) => JsonObject>> = {
  "string.max_len": (length) => ({ maxLength: Number(length) }),
  "string.min_len": (length) => ({ minLength: Number(length) }),
  "string.pattern": (pattern) => ({ pattern: regexOfRe2(String(pattern)) }),
  // The service refuses the nil and the max UUID as well: see src/rpc/interceptors/idempotency-key.ts.
  "string.uuid": () => ({ format: "uuid", pattern: uuid, not: { pattern: "^[0-]+$|^[fF-]+$" } }),
  "string.not_contains": onlyOf("\0"),
  "int32.gte": (least) => ({ minimum: Number(least) }),
  "int32.lte": (most) => ({ maximum: Number(most) }),
  // As a text, an id has at most 18 digits here. The service accepts all of 64 bits, which no id reaches.
  "int64.gt": (limit) => ({ ...onlyOf(0n)(limit), minimum: 1, pattern: "^[1-9][0-9]{0,17}$" }),
  "double.gte": (least) => ({ minimum: Number(least) }),
  "double.lte": (most) => ({ maximum: Number(most) }),
  "repeated.max_items": (count) => ({ maxItems: Number(count) }),
  "repeated.min_items": (count) => ({ minItems: Number(count) }),
  // The schema of an enum has its defined values without the unspecified one.
  "enum.defined_only": onlyOf(true),
  // The document's introduction says that the unset value is accepted wherever a field may be left out.
  ignore: onlyOf(Ignore.IF_ZERO_VALUE),
  "enum.not_in": (numbers) => onlyOf("0")(String(numbers)),
};

function onlyOf(expected: unknown): (value: unknown) => JsonObject {
  return (value) => {
    if (value === expected) return {};
    throw new Error(`a rule with the value ${String(value)} has no keyword yet`);
  };
}

/** Rules that are no keywords by themselves. */
const others: ReadonlySet<string> = new Set([...["required", "cel", "repeated.items", "duration.gte", "duration.lte"]]);

/** The keywords of a field's rules. Those of a list's items are not among them. */
export function keywordsOf(rules: FieldRules): Keywords {
  const found = namesAndValues(reflect(FieldRulesSchema, rules)).map(([name, value]): JsonObject => {
    const keywordsOf = keywordsOfRule[name];
    if (keywordsOf !== undefined) return keywordsOf(value);
    if (others.has(name) || name.endsWith(".example")) return {};
    throw new Error(`the rule ${name} has no keyword yet`);
  });
  const all = [...found, ...rules.cel.map(keywordsOfCel), durationKeywords(rules)];
  const patterns = all.flatMap(({ pattern }) => (typeof pattern === "string" ? [pattern] : []));
  const { pattern: _, ...keywords } = Object.assign({}, ...all) as JsonObject;
  return { keywords, patterns };
}

/** The names of the rules that are set, such as `int64.gt`, with their values. */
function namesAndValues(rules: ReflectMessage): [name: string, value: unknown][] {
  return rules.fields
    .filter((field) => rules.isSet(field))
    .flatMap((field): [string, unknown][] => {
      if (field.oneof === undefined || field.fieldKind !== "message") return [[field.name, rules.get(field)]];
      const ofType = rules.get(field);
      return ofType.fields
        .filter((rule) => ofType.isSet(rule))
        .map((rule) => {
          const value = ofType.get(rule);
          const isList = rule.fieldKind === "list" && typeof value === "object" && value !== null;
          return [`${field.name}.${rule.name}`, isList ? [...(value as Iterable<unknown>)] : value];
        });
    });
}

/** Rules in CEL, by their ids. */
const keywordsOfCelRule: Readonly<Record<string, JsonObject>> = { cents: { multipleOf: 0.01 } };

function keywordsOfCel({ id, expression }: Rule): JsonObject {
  const [, regex] = /^this\.matches\('(.*)'\)$/.exec(expression) ?? [];
  if (regex !== undefined) return { pattern: regexOfRe2(regex.replaceAll("\\\\", "\\")) };
  const keywords = keywordsOfCelRule[id];
  if (keywords === undefined) throw new Error(`the rule ${id} has no keyword yet`);
  return keywords;
}

/** RE2 writes a code point as `\x{3164}`, JSON Schema (ECMA-262) as `\u3164`. */
function regexOfRe2(regex: string): string {
  return regex.replaceAll(/\\x\{([0-9A-Fa-f]{1,4})\}/g, (_, digits: string) => `\\u${digits.padStart(4, "0")}`);
}

/** A duration is a text, so its bounds are a pattern. They are whole seconds. */
function durationKeywords({ type }: FieldRules): JsonObject {
  if (type.case !== "duration") return {};
  const { greaterThan, lessThan } = type.value;
  if (greaterThan.case !== "gte" || lessThan.case !== "lte") throw new Error("a duration must have gte and lte");
  const [least, most] = [wholeSeconds(greaterThan.value), wholeSeconds(lessThan.value)];
  const below = `${integerPattern(least, most - 1)}(?:\\.[0-9]{1,9})?`;
  return { pattern: `^(?:${below}|${most}(?:\\.0{1,9})?)s$` };
}

function wholeSeconds(duration: Duration): number {
  if (duration.nanos !== 0) throw new Error(`${toJson(DurationSchema, duration)} has no pattern yet`);
  return Number(duration.seconds);
}

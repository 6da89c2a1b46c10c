/**
 * Says in plain words what is wrong with a JSON value for a message, field by field and all at once.
 *
 * `fromJson` stops at the first fault, words it for programmers, does not always name the field, and takes some things
 * that would surprise a client: the 30th of February, a rounded 64-bit number, "0x10" for 16.
 */
import type { DescField, DescMessage, DescOneof, JsonValue } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { Violation } from "../../domain/errors.ts";
import { shortValue } from "../../domain/short-text.ts";
import { findField } from "./fields.ts";
import { enumFault, isJsonObject, mapKeyFault, maxDepth, scalarFault, wellKnownFaults } from "./value-faults.ts";

const maxViolations = 20;

/** The violations of one request, as many as an answer should hold. */
export interface ViolationList {
  readonly violations: readonly Violation[];
  /** Adds what is wrong with a field, if anything is. */
  add(field: string, fault: string | undefined): void;
  /** Whether no more violations are taken, so that the check can stop. */
  isFull(): boolean;
}

/** An empty list. */
export function createViolationList(): ViolationList {
  const violations: Violation[] = [];
  function add(field: string, fault: string | undefined): void {
    if (fault === undefined || violations.length === maxViolations) return;
    violations.push({ field: shortValue(field), message: fault });
  }
  return { violations, add, isFull: () => violations.length === maxViolations };
}

/** Adds to the list what is wrong with a request in JSON. */
export function checkRequest(desc: DescMessage, value: JsonValue, list: ViolationList): void {
  list.add("", messageFault(desc, value, { path: "", depth: 0, list }));
}

/** Where a value lies. */
interface Place {
  readonly path: string;
  readonly depth: number;
  readonly list: ViolationList;
}

const inside = (place: Place, path: string): Place => ({ path, depth: place.depth + 1, list: place.list });

// Each of the functions below answers what is wrong with the value itself, and adds what is wrong inside it to the list.

function messageFault(desc: DescMessage, value: JsonValue, place: Place): string | undefined {
  if (place.depth > maxDepth) return "is nested too deeply";
  const wrapped = isWrapperDesc(desc) ? desc.fields[0] : undefined;
  if (wrapped !== undefined) return singleFault(wrapped, value, place);
  const wellKnownFault = wellKnownFaults.get(desc.typeName);
  if (wellKnownFault !== undefined) return wellKnownFault(value, place.depth);
  if (!isJsonObject(value)) return "must be an object";
  checkFields(desc, value, place);
  return undefined;
}

function checkFields(desc: DescMessage, object: Record<string, JsonValue>, place: Place): void {
  const seen = new Set<DescField>();
  const oneofs = new Map<DescOneof, DescField>();
  for (const [key, value] of Object.entries(object)) {
    if (place.list.isFull()) return;
    const field = findField(desc, key);
    const name = field?.name ?? key;
    const path = place.path === "" ? name : `${place.path}.${name}`;
    if (field === undefined) {
      place.list.add(path, "unknown field");
      continue;
    }
    if (seen.has(field)) place.list.add(path, "given more than once");
    seen.add(field);
    // Null means the same as leaving the field out.
    if (value === null) continue;
    const rival = field.oneof && oneofs.get(field.oneof);
    if (rival !== undefined) place.list.add(path, `must not be given together with ${rival.name}`);
    if (field.oneof !== undefined) oneofs.set(field.oneof, field);
    place.list.add(path, fieldFault(field, value, inside(place, path)));
  }
}

function fieldFault(field: DescField, value: JsonValue, place: Place): string | undefined {
  if (field.fieldKind === "list") return listFault(field, value, place);
  return field.fieldKind === "map" ? mapFault(field, value, place) : singleFault(field, value, place);
}

function listFault(field: DescField, value: JsonValue, place: Place): string | undefined {
  if (!Array.isArray(value)) return "must be a list";
  for (const [index, item] of value.entries()) {
    if (place.list.isFull()) break;
    const path = `${place.path}[${index}]`;
    place.list.add(path, singleFault(field, item, inside(place, path)));
  }
  return undefined;
}

function mapFault(field: DescField & { fieldKind: "map" }, value: JsonValue, place: Place): string | undefined {
  if (!isJsonObject(value)) return "must be an object";
  for (const [key, item] of Object.entries(value)) {
    if (place.list.isFull()) break;
    const path = `${place.path}[${JSON.stringify(key)}]`;
    const keyFault = mapKeyFault(field.mapKey, key);
    place.list.add(path, keyFault && `its key ${keyFault}`);
    place.list.add(path, singleFault(field, item, inside(place, path)));
  }
  return undefined;
}

/** The fault of one value of a field: the field's own, or one in its list or map. */
function singleFault(field: DescField, value: JsonValue, place: Place): string | undefined {
  if (field.scalar !== undefined) return scalarFault(field.scalar, value);
  if (field.enum !== undefined) return enumFault(field.enum, value);
  if (value === null && field.message.typeName !== "google.protobuf.Value") return "must not be null";
  return messageFault(field.message, value, place);
}

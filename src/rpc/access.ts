/** The access rules of the methods, as the schema declares them by the option `access`. */
import { type DescMethod, type DescService, getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { access, OwnedResource, Lane as SchemaLane } from "../../gen/frontrow/v1/access_pb.ts";
import type { Lane } from "../limits/limit-key.ts";
import { isTextField, type TextField } from "./request-message.ts";

export { OwnedResource };

const lanes = new Map<SchemaLane, Lane>([
  [SchemaLane.READ, "reads"],
  [SchemaLane.BOOKING, "bookings"],
  [SchemaLane.SETTLEMENT, "settlements"],
  [SchemaLane.ADMIN, "admin"],
]);

/** A method's rule, checked against its request. frontrow/v1/access.proto explains the options. */
export interface AccessRule {
  readonly scope: string;
  readonly scopeForOthers: string;
  /** The request's field that names the user. */
  readonly userField: TextField | undefined;
  readonly resource: OwnedResource;
  readonly lane: Lane;
  readonly searchFields: readonly TextField[];
  /** Whether only some callers may call the method, so that no shared cache may keep its responses. */
  readonly isPrivate: boolean;
}

/** Finds a method's rule. */
export type RuleOf = (method: DescMethod) => AccessRule;

/** Reads the rules of all methods. Throws an Error for a method without a rule, or with an inconsistent one. */
export function readAccessRules(services: readonly DescService[]): RuleOf {
  const methods = services.flatMap((service) => service.methods);
  const rules = new Map(methods.map((method) => [method, readRule(method)]));
  return (method) => {
    const rule = rules.get(method);
    if (!rule) throw new Error(`${nameOf(method)} has no access rule`);
    return rule;
  };
}

function readRule(method: DescMethod): AccessRule {
  const wrong = (problem: string) => new Error(`${nameOf(method)} ${problem}: see frontrow/v1/access.proto`);
  if (!hasOption(method, access)) throw wrong("has no access rule");
  // The rule is about one message: see request-message.ts.
  if (method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming")
    throw wrong("takes a stream of requests: only responses may be a stream");
  const option = getOption(method, access);
  const { scope, scopeForOthers, resource } = option;
  const lane = lanes.get(option.lane);
  if (lane === undefined) throw wrong("has no lane");
  const textField = (name: string, problem: string) => {
    const field = method.input.fields.find((each) => each.name === name);
    if (!isTextField(field)) throw wrong(`${problem} ${name}, which is not a string of its request`);
    return field;
  };

  const isOwned = option.userField !== "" || resource !== OwnedResource.UNSPECIFIED;
  if (isOwned && (scope === "" || scopeForOthers === "")) throw wrong("is about what a user owns, but needs no scope");
  // Only reads may be open: a forgotten scope must not open a method that changes something.
  if (scope === "" && lane !== "reads") throw wrong("changes something, but needs no scope");
  if (!isOwned && scopeForOthers !== "") throw wrong("has a scope for others, but nothing that a user owns");
  const userField = option.userField === "" ? undefined : textField(option.userField, "names the user in");
  if (resource !== OwnedResource.UNSPECIFIED) {
    if (resource !== OwnedResource.BOOKING) throw wrong("is about a resource whose owner is not known");
    if (!hasId(method)) throw wrong("is about a resource, but its request has no id");
  }
  if (option.searchFields.length > 0 && lane !== "reads") throw wrong("searches, but is not a read");
  const searchFields = option.searchFields.map((name) => textField(name, "searches by"));
  return { scope, scopeForOthers, userField, resource, lane, searchFields, isPrivate: scope !== "" };
}

function hasId(method: DescMethod): boolean {
  const id = method.input.fields.find(({ name }) => name === "id");
  return id?.fieldKind === "scalar" && id.scalar === ScalarType.INT64 && !id.longAsString && !id.oneof;
}

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Who may call what, as the schema says: the option `access` of every method. */
import {
  type DescField,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
  ScalarType,
} from "@bufbuild/protobuf";
import { type Access, access, Lane, OwnedResource } from "../../gen/frontrow/v1/access_pb.ts";
import type { Budget } from "../limits/rate-limit.ts";

export { Lane, OwnedResource };

const budgets = new Map<Lane, Budget>([
  [Lane.READ, "reads"],
  [Lane.BOOKING, "bookings"],
  [Lane.ADMIN, "admin"],
]);

/** A method's rule, checked against its request. */
export interface AccessRule extends Access {
  /** The local name of `userField`, which is a string of the request; undefined if there is none. */
  readonly userKey: string | undefined;
  /** The local names of `searchFields`, which are strings of the request. */
  readonly searchKeys: readonly string[];
  /** Whether the method is about what belongs to one user. */
  readonly isOwned: boolean;
  /** What the lane's calls are counted against. */
  readonly budget: Budget;
}

/** Finds a method's rule. */
export type RuleOf = (method: DescMethod) => AccessRule;

/** The rules of all methods. Throws an Error for a method without one, or with one that cannot be kept. */
export function readAccessRules(services: readonly DescService[]): RuleOf {
  const rules = new Map<DescMethod, AccessRule>();
  for (const method of services.flatMap((service) => service.methods)) rules.set(method, readRule(method));
  return (method) => {
    const rule = rules.get(method);
    if (!rule) throw new Error(`${nameOf(method)} has no access rule`);
    return rule;
  };
}

function readRule(method: DescMethod): AccessRule {
  const wrong = (problem: string) => new Error(`${nameOf(method)} ${problem}: see frontrow/v1/access.proto`);
  if (!hasOption(method, access)) throw wrong("does not say who may call it");
  // The rule is about one message: see createServerStreamInterceptor.
  if (method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming")
    throw wrong("takes a stream of requests: only responses may be a stream");
  const rule = getOption(method, access);
  const { scope, scopeForOthers, userField, resource, lane, searchFields } = rule;
  const budget = budgets.get(lane);
  if (budget === undefined) throw wrong("does not say what it counts against");
  const isOwned = userField !== "" || resource !== OwnedResource.UNSPECIFIED;
  if (isOwned && (scope === "" || scopeForOthers === "")) throw wrong("is about what a user owns, but open to anybody");
  // An open method is one that only reads: a scope that was forgotten must not open what changes something.
  if (scope === "" && lane !== Lane.READ) throw wrong("changes something, but is open to anybody");
  if (!isOwned && scopeForOthers !== "") throw wrong("has a scope for others, but nothing that a user owns");
  const user = method.input.fields.find(({ name }) => name === userField);
  if (userField !== "" && !isPlain(user, ScalarType.STRING))
    throw wrong(`names the user in ${userField}, which is no string of its request`);
  if (resource !== OwnedResource.UNSPECIFIED) {
    if (resource !== OwnedResource.BOOKING) throw wrong("is about a resource whose owner nobody can find");
    const id = method.input.fields.find(({ name }) => name === "id");
    if (!isPlain(id, ScalarType.INT64)) throw wrong("is about a resource, but its request has no id");
  }
  if (searchFields.length > 0 && lane !== Lane.READ) throw wrong("searches, but is no read");
  const searchKeys = searchFields.map((name) => {
    const text = method.input.fields.find((field) => field.name === name);
    if (!text || !isPlain(text, ScalarType.STRING))
      throw wrong(`searches by ${name}, which is no string of its request`);
    return text.localName;
  });
  return { ...rule, userKey: user?.localName, searchKeys, isOwned, budget };
}

/** Whether a message has the field's value, as what the schema says, under the field's own name. */
function isPlain(field: DescField | undefined, scalar: ScalarType): boolean {
  if (field?.fieldKind !== "scalar" || field.oneof) return false;
  return field.scalar === scalar && !field.longAsString;
}

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Who may call what, as the schema says: the option `access` of every method. */
import { type DescMethod, type DescService, getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { type Access, access, Lane, OwnedResource } from "../../gen/frontrow/v1/access_pb.ts";
import type { Budget } from "../limits/rates.ts";

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
  /** What the lane's calls are counted against. */
  readonly budget: Budget;
}

/** The rules of all methods. Throws an Error for a method without one, or with one that cannot be kept. */
export function readAccessRules(services: readonly DescService[]): (method: DescMethod) => AccessRule {
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
  const rule = getOption(method, access);
  const { scope, scopeForOthers, userField, resource, lane } = rule;
  const budget = budgets.get(lane);
  if (budget === undefined) throw wrong("does not say what it counts against");
  const isOwned = userField !== "" || resource !== OwnedResource.UNSPECIFIED;
  if (isOwned && (scope === "" || scopeForOthers === "")) throw wrong("is about what a user owns, but open to anybody");
  if (!isOwned && scopeForOthers !== "") throw wrong("has a scope for others, but nothing that a user owns");
  const user = method.input.fields.find(({ name }) => name === userField);
  if (userField !== "" && !isText(user))
    throw wrong(`names the user in ${userField}, which is no string of its request`);
  if (resource !== OwnedResource.UNSPECIFIED && !method.input.fields.some(({ name }) => name === "id")) {
    throw wrong("is about a resource, but its request has no id");
  }
  return { ...rule, userKey: user?.localName, budget };
}

function isText(field: DescMethod["input"]["fields"][number] | undefined): boolean {
  return field?.fieldKind === "scalar" && field.scalar === ScalarType.STRING;
}

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

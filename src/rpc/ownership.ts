/** Whose resource a call may be about: decided by the authorization interceptor, enforced where the row is read. */
import { type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";

/** What the interceptor requires, and whether the handler has taken it. */
interface OwnerRequirement {
  readonly owner: string | undefined;
  isTaken: boolean;
}

const requirementKey = createContextKey<OwnerRequirement | undefined>(undefined, {
  description: "the user who must own what the call is about",
});

/** Requires an owner of what the call is about; undefined allows any user's. Returns whether a handler has taken it. */
export function requireOwner(values: ContextValues, owner: string | undefined): () => boolean {
  const requirement = { owner, isTaken: false };
  values.set(requirementKey, requirement);
  return () => requirement.isTaken;
}

/**
 * The user who must own what the call is about; undefined if any user may. Every handler of a method whose rule names a
 * resource takes it and compares it with the row: the call fails otherwise.
 */
export function takeRequiredOwner({ values }: Pick<HandlerContext, "values">): string | undefined {
  const requirement = values.get(requirementKey);
  if (!requirement) throw new Error("the authorization interceptor required no owner");
  requirement.isTaken = true;
  return requirement.owner;
}

import type { Interceptor, StreamRequest, UnaryRequest } from "@connectrpc/connect";
import type { Caller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/failure.ts";
import { type AccessRule, OwnedResource, type RuleOf } from "../access.ts";
import { callerOf } from "../caller.ts";
import { requireOwner } from "../ownership.ts";
import { messageOf } from "../streams/only-message.ts";

export interface AuthorizationOptions {
  readonly ruleOf: RuleOf;
  /** Whether callers show no tokens, so that each is the user that the request names. */
  readonly believesUsers: boolean;
}

/**
 * Holds every call to its method's rule: whether the caller's token allows it, and whether the user named is the
 * caller. A request that leaves its user open is filled in. Whose the resource named by `id` is, only its row says: the
 * handler gets the owner to compare with, and a handler that answers without having taken the owner fails the call.
 */
export function createAuthorizationInterceptor({ ruleOf, believesUsers }: AuthorizationOptions): Interceptor {
  return (next) => {
    const hold = async (request: UnaryRequest | StreamRequest, rule: AccessRule, isOpen: boolean) => {
      const message = messageOf(request) as unknown as Record<string, unknown>;
      const named = namedUser(rule, message);
      const owner = isOpen ? named : authorize(rule, callerOf(request.contextValues), message, named);
      if (rule.resource === OwnedResource.UNSPECIFIED) return await next(request);
      const isTaken = requireOwner(request.contextValues, owner);
      const check = () => {
        if (!isTaken()) throw new Error(`${request.method.name} has answered without a look at whose its resource is`);
      };
      const response = await next(request);
      if (response.stream) return { ...response, message: checkedFirst(response.message, check) };
      check();
      return response;
    };
    // Not async: most calls pass, and each promise around a call costs.
    return (request) => {
      const rule = ruleOf(request.method);
      const isOpen = believesUsers || rule.scope === "";
      return isOpen && rule.resource === OwnedResource.UNSPECIFIED ? next(request) : hold(request, rule, isOpen);
    };
  };
}

/** A stream's handler begins when its first message is asked for. */
async function* checkedFirst<Message>(messages: AsyncIterable<Message>, check: () => void): AsyncGenerator<Message> {
  for await (const message of messages) {
    check();
    yield message;
  }
  check();
}

/** The user that the request names, empty if it leaves the user open; undefined if it has no field for one. */
function namedUser({ userKey }: AccessRule, message: Readonly<Record<string, unknown>>): string | undefined {
  return userKey === undefined ? undefined : (message[userKey] as string);
}

/** Refuses what the caller's token does not allow. Returns the user who must own the resource; undefined for any. */
function authorize(
  rule: AccessRule,
  { subject, scopes }: Caller,
  message: Record<string, unknown>,
  named: string | undefined,
): string | undefined {
  if (subject === undefined) {
    const problem = "this takes a bearer token, in the header Authorization";
    throw new DomainError({ reason: "UNAUTHENTICATED", problem, isMissing: true });
  }
  const mayForOthers = rule.scopeForOthers !== "" && scopes.has(rule.scopeForOthers);
  if (!scopes.has(rule.scope) && !mayForOthers) throw new DomainError({ reason: "MISSING_SCOPE", scope: rule.scope });

  if (named && named !== subject && !mayForOthers) {
    throw new DomainError({ reason: "MISSING_SCOPE", scope: rule.scopeForOthers, isForOthers: true });
  }
  if (named) return named;
  // Of a resource that is named by its id, the row says who owns it.
  const isOwnerInRow = rule.resource !== OwnedResource.UNSPECIFIED;
  if (rule.userKey !== undefined && !isOwnerInRow) message[rule.userKey] = subject;
  return mayForOthers && isOwnerInRow ? undefined : subject;
}

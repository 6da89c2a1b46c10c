import type { Interceptor } from "@connectrpc/connect";
import type { Caller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/failure.ts";
import { type AccessRule, OwnedResource, type RuleOf } from "../access.ts";
import { callerOf, requireOwner } from "../call-context.ts";
import { type AnyRequest, messageOf, textOf, withMessage, withText } from "../request-message.ts";

/**
 * Enforces each method's access rule: the caller's token must have the scope, and the user that the request names must be
 * the caller. A request that names no user is for its caller. Only the row of a resource tells its owner: the handler gets
 * the owner to compare with, and a handler that has not taken the owner fails the call. With `believesUsers` callers send no
 * tokens, so that each is the user that the request names.
 */
export function createAuthorizationInterceptor(ruleOf: RuleOf, believesUsers: boolean): Interceptor {
  return (next) => {
    const callAuthorized = async (request: AnyRequest, rule: AccessRule, isOpen: boolean) => {
      const { contextValues: values, method } = request;
      const { userField } = rule;
      const message = messageOf(request);
      const named = userField && textOf(message, userField);
      const owner = isOpen ? named : authorize(rule, callerOf(values), named);
      if (rule.resource === OwnedResource.UNSPECIFIED) {
        if (!userField || named !== "" || owner === undefined) return await next(request);
        return await next(withMessage(request, withText(message, userField, owner)));
      }
      const isTaken = requireOwner(values, owner);
      const check = () => {
        if (!isTaken()) throw new Error(`${method.name} has answered without comparing the owner of its resource`);
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
      return isOpen && rule.resource === OwnedResource.UNSPECIFIED
        ? next(request)
        : callAuthorized(request, rule, isOpen);
    };
  };
}

/** A stream's handler begins when its first message is requested. */
async function* checkedFirst<Message>(messages: AsyncIterable<Message>, check: () => void): AsyncGenerator<Message> {
  for await (const message of messages) {
    check();
    yield message;
  }
  check();
}

/** Rejects what the caller's token does not allow. Returns the user who must own the resource; undefined for any. */
function authorize(rule: AccessRule, { subject, scopes }: Caller, named: string | undefined): string | undefined {
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
  const isOwnerInRow = rule.resource !== OwnedResource.UNSPECIFIED;
  return mayForOthers && isOwnerInRow ? undefined : subject;
}

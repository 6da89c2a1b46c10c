import type { Interceptor, UnaryRequest } from "@connectrpc/connect";
import type { LookUpBooking } from "../../booking/lookup.ts";
import type { Caller } from "../../domain/caller.ts";
import type { Deadline } from "../../domain/deadline.ts";
import { DomainError } from "../../domain/errors.ts";
import { type AccessRule, OwnedResource, type RuleOf } from "../access.ts";
import { callerOf } from "../caller.ts";
import { deadlineFrom } from "./deadline.ts";

/**
 * Holds every unary call to its method's rule: whether the caller's token allows it, and whether what it is about is the
 * caller's own. A request that leaves its user open is filled in, so that handlers need not know of tokens.
 */
export function createAuthorizationInterceptor(ruleOf: RuleOf, lookUpBooking: LookUpBooking): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const rule = ruleOf(request.method);
    if (rule.scope !== "") await authorize(rule, callerOf(request.contextValues), request, lookUpBooking);
    return await next(request);
  };
}

async function authorize(
  rule: AccessRule,
  { subject, scopes }: Caller,
  request: UnaryRequest,
  lookUpBooking: LookUpBooking,
): Promise<void> {
  if (subject === undefined) {
    const problem = "this takes a bearer token, in the header Authorization";
    throw new DomainError({ reason: "UNAUTHENTICATED", problem, isMissing: true });
  }
  const mayForOthers = rule.scopeForOthers !== "" && scopes.has(rule.scopeForOthers);
  if (!scopes.has(rule.scope) && !mayForOthers) throw new DomainError({ reason: "MISSING_SCOPE", scope: rule.scope });

  const message = request.message as unknown as Record<string, unknown>;
  const named = rule.userKey === undefined ? "" : message[rule.userKey];
  if (named !== "" && named !== subject && !mayForOthers) {
    throw new DomainError({ reason: "MISSING_SCOPE", scope: rule.scopeForOthers, isForOthers: true });
  }
  const owner = await ownerOf(rule, message, deadlineFrom(request.contextValues), lookUpBooking);
  if (owner !== undefined && owner !== subject && !mayForOthers) {
    throw new DomainError({ reason: "NOT_BOOKING_OWNER", bookingId: message.id as bigint });
  }
  if (rule.userKey !== undefined && named === "") message[rule.userKey] = owner ?? subject;
}

async function ownerOf(
  { resource }: AccessRule,
  { id }: Record<string, unknown>,
  deadline: Deadline,
  lookUpBooking: LookUpBooking,
): Promise<string | undefined> {
  if (resource !== OwnedResource.BOOKING) return undefined;
  // The rules for an id are checked further in.
  if (typeof id !== "bigint" || id <= 0n) return undefined;
  return (await lookUpBooking(id, deadline))?.userId;
}

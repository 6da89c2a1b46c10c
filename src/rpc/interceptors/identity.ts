import type { Interceptor, UnaryRequest } from "@connectrpc/connect";
import type { Caller } from "../../domain/caller.ts";
import type { Deadline } from "../../domain/deadline.ts";
import { DomainError } from "../../domain/errors.ts";
import { type TokenVerifier, unauthenticated } from "../../identity/tokens.ts";
import { type AccessRule, OwnedResource, type RuleOf } from "../access.ts";
import { addressOf, setCaller } from "../caller.ts";
import { deadlineFrom } from "./deadline.ts";

/** Finds the user whom a resource belongs to; undefined if there is no such resource. */
export type FindOwner = (id: bigint, deadline: Deadline) => Promise<string | undefined>;

export interface IdentityOptions {
  readonly ruleOf: RuleOf;
  /** Undefined in the mode `none`: whoever the request says it is from, it is from. */
  readonly tokens: TokenVerifier | undefined;
  readonly owners: { readonly booking: FindOwner };
  /** Counts a call as soon as it is known whose it is; raises RATE_LIMITED. */
  readonly count: (request: UnaryRequest) => Promise<void>;
}

/**
 * Holds every unary call to its method's rule: who the caller is, whether the token allows the call, and whether what it is
 * about is the caller's own. A request that leaves its user open is filled in, so that handlers need not know of tokens.
 */
export function createIdentityInterceptor({ ruleOf, tokens, owners, count }: IdentityOptions): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const nobody = { subject: undefined, scopes: noScopes, address: addressOf(request.contextValues) };
    if (!tokens) {
      setCaller(request.contextValues, nobody);
      await count(request);
      return await next(request);
    }
    const rule = ruleOf(request.method);
    const [caller, fault] = await authenticate(request.header, tokens, nobody);
    setCaller(request.contextValues, caller);
    // Before anything is refused: otherwise whoever may do nothing could try everything, as often as he likes.
    await count(request);
    if (fault !== undefined) throw fault;
    if (rule.scope !== "") await authorize(rule, caller, request, owners);
    return await next(request);
  };
}

const noScopes: ReadonlySet<string> = new Set();

/** A caller without a token is nobody; one with a bad token has to be refused, for it takes itself for somebody. */
async function authenticate(header: Headers, tokens: TokenVerifier, nobody: Caller): Promise<[Caller, unknown?]> {
  const authorization = header.get("authorization");
  if (authorization === null) return [nobody];
  const [, token] = /^bearer +([\w.~+/=-]+) *$/i.exec(authorization) ?? [];
  if (token === undefined) return [nobody, unauthenticated("the header Authorization must be: Bearer and a token")];
  try {
    return [{ ...(await tokens.verify(token)), address: nobody.address }];
  } catch (fault) {
    return [nobody, fault];
  }
}

async function authorize(
  rule: AccessRule,
  { subject, scopes }: Caller,
  request: UnaryRequest,
  owners: IdentityOptions["owners"],
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
    throw new DomainError({ reason: "MISSING_SCOPE", scope: rule.scopeForOthers });
  }
  const owner = await ownerOf(rule, message, deadlineFrom(request.contextValues), owners);
  if (owner !== undefined && owner !== subject && !mayForOthers) {
    throw new DomainError({ reason: "NOT_BOOKING_OWNER", bookingId: message.id as bigint });
  }
  if (rule.userKey !== undefined && named === "") message[rule.userKey] = owner ?? subject;
}

function ownerOf(
  { resource }: AccessRule,
  { id }: Record<string, unknown>,
  deadline: Deadline,
  owners: IdentityOptions["owners"],
): Promise<string | undefined> | undefined {
  if (resource !== OwnedResource.BOOKING) return undefined;
  // The rules for an id are checked further in.
  return typeof id === "bigint" && id > 0n ? owners.booking(id, deadline) : undefined;
}

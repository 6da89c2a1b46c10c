/** The keys that a call counts against, in rate limits and concurrency limits. */
import { LRUCache } from "lru-cache";
import { addressGroup, isLoopback } from "../../domain/address.ts";
import type { Caller } from "../../domain/caller.ts";
import type { LimitKey } from "../../limits/limit-key.ts";
import type { RuleOf } from "../access.ts";
import { callerOf } from "../call-context.ts";
import { type AnyRequest, messageOf, textOf } from "../request-message.ts";
import { maxUserLength } from "./call-user.ts";

/** The keys that a call counts against, the most specific one last. */
export type LimitKeysOf = (request: AnyRequest) => LimitKey[];

/** Creates the function. `believesUsers` as in createAuthorizationInterceptor. */
export function createLimitKeys(ruleOf: RuleOf, believesUsers: boolean): LimitKeysOf {
  return (request) => {
    const caller = callerOf(request.contextValues);
    const { userField } = ruleOf(request.method);
    if (!believesUsers || !userField) return keysOf(caller, "", believesUsers);
    const user = textOf(messageOf(request), userField);
    return keysOf(caller, user.length <= maxUserLength ? user : "", believesUsers);
  };
}

/**
 * An authenticated caller counts by the token's subject, an anonymous one by its address. Without tokens, a caller counts by
 * the user that the request names. Its address counts too then, since a client can make up any name. A loopback address
 * does not, because a person who tries the service out plays all of its users.
 */
export function keysOf({ subject, address }: Caller, user: string, believesUsers: boolean): LimitKey[] {
  if (subject !== undefined) return [{ kind: "caller", key: `subject ${subject}` }];
  const { group, isLocal } = groups.memo(address);
  const ofAddress: LimitKey = { kind: "address", key: `address ${group}` };
  if (!believesUsers) return [ofAddress];
  const ofUser: LimitKey[] = user === "" ? [] : [{ kind: "caller", key: `user ${group} ${user}` }];
  return isLocal ? ofUser : [ofAddress, ...ofUser];
}

/** Most calls come from an address that has called before. */
const groups = new LRUCache<string, { readonly group: string; readonly isLocal: boolean }>({
  max: 1_000,
  memoMethod: (address) => ({ group: addressGroup(address), isLocal: isLoopback(address) }),
});

/** Requests that call no method, such as an assistant's for the list of tools. */
import type { ContextValues } from "@connectrpc/connect";
import type { TokenVerifier } from "../auth/tokens.ts";
import type { RateLimits } from "../limits/rate-limit.ts";
import { identify, requireValidToken } from "./interceptors/identity.ts";
import { keysOf } from "./interceptors/limit-keys.ts";
import { requireAllowed } from "./interceptors/rate-limit.ts";

/** Counts a request as a read of its caller. Raises RATE_LIMITED, and UNAUTHENTICATED for an invalid token. */
export type Admit = (header: Headers, values: ContextValues) => Promise<void>;

/** Creates the function. `believesUsers` as in createAuthorizationInterceptor. */
export function createAdmission(tokens: TokenVerifier | undefined, rates: RateLimits, believesUsers: boolean): Admit {
  return async (header, values) => {
    const caller = await identify(tokens, header, values);
    // Before the token is rejected, because bad tokens count too.
    requireAllowed(await rates.count("reads", keysOf(caller, "", believesUsers), 1), values);
    requireValidToken(values);
  };
}

import { type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import { type TokenVerifier, unauthenticated } from "../../auth/tokens.ts";
import type { Caller } from "../../domain/caller.ts";
import { originOf, setCaller, traceOf } from "../call-context.ts";

const faultKey = createContextKey<unknown>(undefined, { description: "why the token was rejected" });
const noScopes: ReadonlySet<string> = new Set();
const everyScope: Caller["scopes"] = { has: () => true };

/**
 * Sets the caller of a call. A call with an invalid token is anonymous until `rejectInvalidToken`. Without a verifier every
 * caller has every scope.
 */
export function createIdentityInterceptor(tokens: TokenVerifier | undefined): Interceptor {
  return (next) => async (request) => {
    const { contextValues: values, header } = request;
    setCaller(values, await identify(tokens, header, values));
    return await next(request);
  };
}

/** The caller by its token. One with an invalid token is anonymous until `requireValidToken`. */
export async function identify(
  tokens: TokenVerifier | undefined,
  header: Headers,
  values: ContextValues,
): Promise<Caller> {
  const { address, requestId } = originOf(values);
  const authorization = tokens ? header.get("authorization") : null;
  if (tokens && authorization !== null) {
    const use = { requestId, traceId: traceOf(values)?.traceId };
    try {
      return { ...(await tokens.verify(bearerOf(authorization), address, use)), address };
    } catch (error) {
      values.set(faultKey, error);
    }
  }
  return { subject: undefined, scopes: tokens ? noScopes : everyScope, address };
}

/** Throws what is wrong with the token, if anything is. */
export function requireValidToken(values: ContextValues): void {
  const fault = values.get(faultKey);
  if (fault !== undefined) throw fault;
}

/** Rejects a call with an invalid token, also where none is needed: its client expects to be authenticated. */
export const rejectInvalidToken: Interceptor = (next) => (request) => {
  requireValidToken(request.contextValues);
  return next(request);
};

function bearerOf(authorization: string): string {
  const [, token] = /^bearer +([\w.~+/=-]+) *$/i.exec(authorization) ?? [];
  if (token === undefined) throw unauthenticated("the header Authorization must be: Bearer and a token");
  return token;
}

import type { Interceptor, StreamRequest, UnaryRequest } from "@connectrpc/connect";
import { type TokenVerifier, unauthenticated } from "../../auth/tokens.ts";
import type { Caller } from "../../domain/caller.ts";
import { addressOf, setCaller } from "../caller.ts";

export interface IdentityOptions {
  /** Undefined in the mode `none`, in which the service takes the user from the request. */
  readonly tokens: TokenVerifier | undefined;
  /** Counts a call as soon as it is known whose it is; raises RATE_LIMITED. */
  readonly count: (request: UnaryRequest | StreamRequest) => Promise<void>;
}

/** Sets the caller of a call, for interceptors further in and the handler. Rejects a call with a bad token. */
export function createIdentityInterceptor({ tokens, count }: IdentityOptions): Interceptor {
  return (next) => async (request) => {
    const anonymous = { subject: undefined, scopes: noScopes, address: addressOf(request.contextValues) };
    const [caller, fault] = tokens ? await authenticate(request.header, tokens, anonymous) : [anonymous];
    setCaller(request.contextValues, caller);
    // Before anything is refused: refused calls count too.
    await count(request);
    if (fault !== undefined) throw fault;
    return await next(request);
  };
}

const noScopes: ReadonlySet<string> = new Set();

/** A caller without a token is anonymous. One with a bad token is refused, because it expects to be known. */
async function authenticate(header: Headers, tokens: TokenVerifier, anonymous: Caller): Promise<[Caller, unknown?]> {
  const authorization = header.get("authorization");
  if (authorization === null) return [anonymous];
  const [, token] = /^bearer +([\w.~+/=-]+) *$/i.exec(authorization) ?? [];
  if (token === undefined) return [anonymous, unauthenticated("the header Authorization must be: Bearer and a token")];
  try {
    return [{ ...(await tokens.verify(token, anonymous.address)), address: anonymous.address }];
  } catch (fault) {
    return [anonymous, fault];
  }
}

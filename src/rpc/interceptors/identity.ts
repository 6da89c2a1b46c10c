import type { Interceptor, UnaryRequest } from "@connectrpc/connect";
import type { Caller } from "../../domain/caller.ts";
import { type TokenVerifier, unauthenticated } from "../../identity/tokens.ts";
import { addressOf, setCaller } from "../caller.ts";

export interface IdentityOptions {
  /** Undefined in the mode `none`: whoever the request says it is from, it is from. */
  readonly tokens: TokenVerifier | undefined;
  /** Counts a call as soon as it is known whose it is; raises RATE_LIMITED. */
  readonly count: (request: UnaryRequest) => Promise<void>;
}

/** Finds out who makes a unary call, for whatever is further in, and refuses whoever shows a bad token. */
export function createIdentityInterceptor({ tokens, count }: IdentityOptions): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const nobody = { subject: undefined, scopes: noScopes, address: addressOf(request.contextValues) };
    const [caller, fault] = tokens ? await authenticate(request.header, tokens, nobody) : [nobody];
    setCaller(request.contextValues, caller);
    // Before anything is refused: otherwise whoever may do nothing could try everything, as often as he likes.
    await count(request);
    if (fault !== undefined) throw fault;
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
    return [{ ...(await tokens.verify(token, nobody.address)), address: nobody.address }];
  } catch (fault) {
    return [nobody, fault];
  }
}

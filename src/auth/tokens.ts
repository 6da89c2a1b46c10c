/** Verifies bearer tokens: JSON Web Tokens (RFC 7519) that an identity provider has signed. */
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import type { Publish } from "../domain/publish.ts";
import { shortValue } from "../domain/short-text.ts";
import type { AuthEvents, RejectedToken, TokenUse } from "./events.ts";
import { type Identity, isUserId, scopesOf } from "./identity.ts";
import type { KeyFor } from "./jwks.ts";
import { createTokenCache } from "./token-cache.ts";

export interface TokenVerifier {
  /**
   * Raises UNAUTHENTICATED for a token that is not valid, and KEYS_UNAVAILABLE if that cannot be decided yet. The client's
   * address limits how often tokens with unknown keys cause a fetch of the key set. `use` is for the log.
   */
  verify(token: string, address?: string, use?: TokenUse): Promise<Identity>;
}

/** What a token must fulfil besides its signature. */
export interface TokenRules {
  readonly issuer: string;
  /** A token is for one of these. */
  readonly audiences: readonly string[];
  /** Allowed signature algorithms, asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** By how much the clocks of issuer and service may differ. */
  readonly clockToleranceMs: number;
  /** The claims that hold the scopes. */
  readonly scopeClaims: readonly string[];
}

/** Longer tokens are rejected unread. */
const maxTokenLength = 8_192;
/** Base64url without padding (RFC 7515, 2) whose last character has no unused bit set. */
const part = "(?:[\\w-]{4})*(?:[\\w-][AQgw]|[\\w-]{2}[AEIMQUYcgkosw048])?";
/** Decoders accept other texts for the same bytes, so that one token could be cached under many. */
const canonical = new RegExp(`^${part}\\.${part}\\.${part}$`);
/** Each key costs the verification of a signature, also for a forged token. */
const maxKeysTried = 4;
/** How much longer a withdrawn key may count than it stays in the key set in use. */
const maxCachedMs = 5 * 60_000;

/** Creates a verifier with these rules and keys. Verified tokens are cached. */
export function createTokenVerifier(rules: TokenRules, keyFor: KeyFor, publish: Publish<AuthEvents>): TokenVerifier {
  const cache = createTokenCache();
  const clockTolerance = rules.clockToleranceMs / 1_000;
  const options: JWTVerifyOptions = {
    issuer: rules.issuer,
    audience: [...rules.audiences],
    algorithms: [...rules.algorithms],
    clockTolerance,
    requiredClaims: ["sub", "exp"],
  };

  async function verifyUncached(token: string, address: string): Promise<Identity> {
    if (token.length > maxTokenLength) throw unauthenticated("the token is too long");
    if (!canonical.test(token)) throw unauthenticated("the token is not valid");
    const findKey: JWTVerifyGetKey = (header, jws) => {
      rejectForeign(decodeJwt(token), rules);
      return keyFor(header, jws, address);
    };
    const payload = await verifySignature(token, findKey, options);
    const { sub, exp = 0, iat = 0 } = payload;
    const nowSeconds = Date.now() / 1_000;
    if (iat > nowSeconds + clockTolerance) throw unauthenticated("the token was issued in the future");
    if (!isUserId(sub)) throw unauthenticated(claimProblems.sub);
    const expiresAtMs = (exp + clockTolerance) * 1_000;
    const identity = { subject: sub, scopes: scopesOf(payload, rules.scopeClaims), expiresAtMs };
    const ttlMs = Math.floor(Math.min(maxCachedMs, expiresAtMs - nowSeconds * 1_000));
    if (ttlMs >= 1) cache.add(token, identity, ttlMs);
    return identity;
  }

  return {
    async verify(token, address = "", use = { requestId: "", traceId: undefined }) {
      const cached = cache.get(token);
      if (cached) return cached;
      try {
        return await verifyUncached(token, address);
      } catch (cause) {
        const error = toDomainError(cause);
        publish("auth.token_rejected", { ...use, describe: () => describeRejected(token, error) });
        throw error;
      }
    },
  };
}

/**
 * Rejects a token that is not valid whatever its key is, before its key is looked up. It then causes no fetch of the key
 * set, and its client is not told to retry. The claims are not verified yet, and serve for nothing else.
 */
function rejectForeign(claims: JWTPayload, { issuer, clockToleranceMs }: TokenRules): void {
  const { iss, exp } = claims;
  if (iss !== issuer) throw new errors.JWTClaimValidationFailed("another issuer", claims, "iss");
  if (typeof exp === "number" && exp * 1_000 <= Date.now() - clockToleranceMs) {
    throw new errors.JWTExpired("expired", claims, "exp");
  }
}

/** A token without `kid` is verified with each key that fits its algorithm, up to a limit. */
async function verifySignature(token: string, key: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, key, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tried = 0;
    for await (const candidate of error) {
      if (++tried > maxKeysTried) break;
      try {
        return (await jwtVerify(token, candidate, options)).payload;
      } catch (failure) {
        // jose throws TypeErrors for unusable keys, such as short ones. The next key may be the right one.
        if (!(failure instanceof errors.JWSSignatureVerificationFailed || failure instanceof TypeError)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

const claimProblems = {
  iss: "the token is from another issuer",
  aud: "the token is for another service",
  nbf: "the token is not valid yet",
  exp: "the token has no exp claim",
  sub: "the token's subject cannot be a user",
} as const;

/** Says what is wrong with a token as far as that helps its owner without helping a forger. */
function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof errors.JWTExpired) return unauthenticated(tokenExpired, error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    const problems: Readonly<Record<string, string>> = claimProblems;
    return unauthenticated(problems[error.claim] ?? "the token is not valid", error);
  }
  if (error instanceof errors.JOSEError) return unauthenticated("the token is not valid", error);
  // jose's other errors are about the issuer's key: too short, say, or not a key at all.
  return new DomainError({ reason: "KEYS_UNAVAILABLE", retryDelayMs }, { cause: error });
}

/** The message for a call or a stream whose token has expired. */
export const tokenExpired = "the token has expired";

/** The error for credentials that are not valid. */
export function unauthenticated(problem: string, cause?: unknown): DomainError {
  return new DomainError({ reason: "UNAUTHENTICATED", problem }, { cause });
}

const maxReasonLength = 200;

/** More precise than the client's message: the reason is the error that caused the rejection. */
function describeRejected(token: string, { failure, cause, message }: DomainError): RejectedToken {
  const problem = "problem" in failure ? failure.problem : message;
  const { kid, alg } = decoded(() => decodeProtectedHeader(token));
  const { iss } = decoded(() => decodeJwt(token));
  const textOf = (value: unknown) => (typeof value === "string" ? shortValue(value) : undefined);
  const reason = shortValue(cause instanceof Error ? cause.message : problem, maxReasonLength);
  return { reason, kid: textOf(kid), alg: textOf(alg), iss: textOf(iss) };
}

/** The members of a part of a token, whatever their types. Empty if it cannot be decoded. */
function decoded(decode: () => object): Readonly<Record<string, unknown>> {
  try {
    return { ...decode() };
  } catch {
    return {};
  }
}

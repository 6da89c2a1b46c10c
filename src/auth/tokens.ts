/** Bearer tokens: JSON Web Tokens (RFC 7519) that somebody else signed, and what they say of their bearer. */
import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import { type KeyFor, KeysUnavailableError } from "./jwks.ts";
import type { ReportRefusal } from "./refused.ts";
import { createRememberedTokens, type Identity } from "./remembered.ts";
import { scopesOf } from "./scopes.ts";

export interface TokenVerifier {
  /**
   * Raises UNAUTHENTICATED for a token that is not good, and KEYS_UNAVAILABLE if that cannot be told yet. The address is
   * the caller's, if it is known: it limits how often tokens with unknown keys cause a look for new keys.
   */
  verify(token: string, address?: string): Promise<Identity>;
}

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  /** Allowed signature algorithms, asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** By how much the clocks of issuer and service may differ. */
  readonly clockToleranceMs: number;
  /** The claims that hold the scopes. */
  readonly scopeClaims: readonly string[];
}

/** Longer ones are refused unread. */
const maxTokenLength = 8_192;
/** Base64url without padding (RFC 7515, 2) whose last character has no unused bit set. */
const part = "(?:[\\w-]{4})*(?:[\\w-][AQgw]|[\\w-]{2}[AEIMQUYcgkosw048])?";
/** Decoders take other texts for the same bytes, so that one token could be remembered under many. */
const canonical = new RegExp(`^${part}\\.${part}\\.${part}$`);
const maxSubjectLength = 255;
/** Each costs the verification of a signature, also for a forged token. */
const maxKeysTried = 4;
/** How much longer a withdrawn key may count than it stays in the key set we have. */
const maxRememberedMs = 5 * 60_000;

/** Verifies tokens by these rules and keys. Tokens that were found good are remembered for a while. */
export function createTokenVerifier(
  rules: TokenRules,
  keyFor: KeyFor,
  report: ReportRefusal = () => {},
): TokenVerifier {
  const remembered = createRememberedTokens();
  const clockTolerance = rules.clockToleranceMs / 1_000;
  const options: JWTVerifyOptions = {
    issuer: rules.issuer,
    audience: rules.audience,
    algorithms: [...rules.algorithms],
    clockTolerance,
    requiredClaims: ["sub", "exp"],
  };

  async function verifyAnew(token: string, address: string): Promise<Identity> {
    const findKey: JWTVerifyGetKey = (header, jws) => {
      refuseForeign(decodeJwt(token), rules);
      return keyFor(header, jws, address);
    };
    const payload = await payloadOf(token, findKey, options);
    const { exp = 0, iat = 0 } = payload;
    const nowSeconds = Date.now() / 1_000;
    if (iat > nowSeconds + clockTolerance) throw unauthenticated("the token was issued in the future");
    const expiresAtMs = (exp + clockTolerance) * 1_000;
    const identity = { ...identityOf(payload, rules.scopeClaims), expiresAtMs };
    const ttl = Math.min(maxRememberedMs, expiresAtMs - nowSeconds * 1_000);
    if (ttl >= 1) remembered.add(token, identity, Math.floor(ttl));
    return identity;
  }

  return {
    async verify(token, address = "") {
      const known = remembered.get(token);
      if (known) return known;
      try {
        if (token.length > maxTokenLength) throw unauthenticated("the token is too long");
        if (!canonical.test(token)) throw unauthenticated("the token is not valid");
        return await verifyAnew(token, address);
      } catch (error) {
        const explained = explain(error);
        report(token, explained);
        throw explained;
      }
    },
  };
}

/**
 * Refuses a token that cannot be good whatever its key is, before its key is looked for: the issuer is not asked for it,
 * and its caller is not told to repeat the call. The claims are not verified yet, and serve for nothing else.
 */
function refuseForeign(claims: JWTPayload, { issuer, clockToleranceMs }: TokenRules): void {
  const { iss, exp } = claims;
  if (iss !== issuer) throw new errors.JWTClaimValidationFailed("another issuer", claims, "iss");
  if (typeof exp === "number" && exp * 1_000 <= Date.now() - clockToleranceMs) {
    throw new errors.JWTExpired("expired", claims, "exp");
  }
}

/** A token that names no key is verified with each key that fits its algorithm, up to a limit. */
async function payloadOf(token: string, key: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
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
        // jose throws TypeErrors for keys that cannot be used, such as short ones. The next key may be good.
        if (!(failure instanceof errors.JWSSignatureVerificationFailed || failure instanceof TypeError)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function identityOf(payload: JWTPayload, scopeClaims: readonly string[]): Omit<Identity, "expiresAtMs"> {
  const { sub } = payload;
  // It becomes the user_id of bookings, which has these bounds.
  if (!isUserId(sub)) throw unauthenticated("the token's subject cannot be a user");
  return { subject: sub, scopes: scopesOf(payload, scopeClaims) };
}

/** An issuer may write anything there, whatever its type promises. */
function isUserId(sub: unknown): sub is string {
  if (typeof sub !== "string" || sub === "" || [...sub].length > maxSubjectLength) return false;
  // What is no Unicode text would be stored as U+FFFD: several subjects as one user.
  return !sub.includes("\0") && sub.isWellFormed();
}

/** Says what is wrong with a token as far as that helps its owner, and no one who forges one. */
function explain(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  if (error instanceof KeysUnavailableError) {
    const delayMs = Math.max(1, Math.ceil(error.retryDelayMs));
    const { isKeyUnknown } = error;
    return new DomainError({ reason: "KEYS_UNAVAILABLE", retryDelayMs: delayMs, isKeyUnknown }, { cause: error });
  }
  if (error instanceof errors.JWTExpired) return unauthenticated(tokenExpired, error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthenticated(claimProblems[error.claim] ?? "the token is not valid", error);
  }
  if (error instanceof errors.JOSEError) return unauthenticated("the token is not valid", error);
  // What jose says in other words is about the key that the issuer gives: too short, say, or not a key at all.
  return new DomainError({ reason: "KEYS_UNAVAILABLE", retryDelayMs }, { cause: error });
}

const claimProblems: Readonly<Record<string, string>> = {
  iss: "the token is from another issuer",
  aud: "the token is for another service",
  nbf: "the token is not valid yet",
  exp: "the token says not when it expires",
  sub: "the token's subject cannot be a user",
};

/** What the caller of a call or a stream gets whose token has expired. */
export const tokenExpired = "the token has expired";

/** The error for credentials that are not good. */
export function unauthenticated(problem: string, cause?: unknown): DomainError {
  return new DomainError({ reason: "UNAUTHENTICATED", problem }, { cause });
}

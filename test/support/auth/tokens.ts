/** An issuer of tokens, and the settings of a service that trusts it. */
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { Settings } from "../service/service.ts";

export const issuer = "https://issuer.example";
export const audience = "frontrow-under-test";

export const allScopes = "concerts:write bookings:read bookings:write bookings:confirm bookings:admin";

/** Claims besides the usual ones. Undefined leaves a claim out. */
export type Claims = Readonly<Record<string, unknown>>;

export interface TokenIssuer {
  readonly privateKey: CryptoKey;
  /** The public key's PEM text. */
  readonly pem: string;
  readonly algorithm: string;
  /** The public key as a member of a JSON Web Key Set, under this id. */
  jwk(kid: string): Promise<JWK>;
  /** A token that is valid for an hour, unless the claims change that. */
  sign(claims: Claims, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

export async function createTokenIssuer(algorithm = "ES256"): Promise<TokenIssuer> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const pem = await exportSPKI(publicKey);
  return {
    privateKey,
    pem,
    algorithm,
    jwk: async (kid) => ({ ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" }),
    sign: (claims, header = {}) =>
      new SignJWT(payloadOf(claims)).setProtectedHeader({ alg: algorithm, ...header }).sign(privateKey),
  };
}

/** The usual claims with these changes. */
export function payloadOf(claims: Claims): JWTPayload {
  const usual = { iss: issuer, aud: audience, iat: nowSeconds(), exp: nowSeconds() + 3_600 };
  const all = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(all);
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** The settings of a service that accepts this issuer's tokens. */
export function trusting({ pem }: Pick<TokenIssuer, "pem">, changes: Settings = {}): Settings {
  return { ...expecting, APP_AUTH_PUBLIC_KEY: pem, ...changes };
}

/** The same without the key. */
export const expecting: Settings = {
  APP_AUTH_MODE: "jwt",
  APP_AUTH_ISSUER: issuer,
  APP_AUTH_AUDIENCE: audience,
};

export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** Scopes: what a token allows, in whichever claims its issuer writes them. */
import type { JWTPayload } from "jose";

/**
 * The scopes in these claims together. A claim is a text with spaces between its scopes (RFC 8693, 4.2) or an array with
 * one scope per entry. Anything else in it allows nothing.
 */
export function scopesOf(payload: JWTPayload, claims: readonly string[]): ReadonlySet<string> {
  return new Set(claims.flatMap((name) => scopesIn(claimOf(payload, name))));
}

/**
 * A claim by its exact name, which may contain dots: `https://tickets.example.org/roles`. If the token has no such claim,
 * dots lead into objects: `realm_access.roles`.
 */
function claimOf(payload: JWTPayload, name: string): unknown {
  const exact = memberOf(payload, name);
  return exact === undefined ? name.split(".").reduce(memberOf, payload) : exact;
}

function memberOf(value: unknown, name: string): unknown {
  const isObject = typeof value === "object" && value !== null;
  return isObject && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function scopesIn(value: unknown): string[] {
  const entries: unknown[] = typeof value === "string" ? value.split(" ") : Array.isArray(value) ? value : [];
  return entries.filter((entry) => typeof entry === "string" && entry !== "") as string[];
}

/** The identity in a verified token: its subject, and the scopes in whichever claims its issuer writes them. */
import type { JWTPayload } from "jose";

export interface Identity {
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  /** When the token stops being accepted, in milliseconds since 1970. The tolerance for clocks is included. */
  readonly expiresAtMs: number;
}

const maxSubjectLength = 255;

/** Whether a `sub` claim can be the user_id of bookings. The claim may have any type and any content. */
export function isUserId(sub: unknown): sub is string {
  if (typeof sub !== "string" || sub === "" || [...sub].length > maxSubjectLength) return false;
  // Text that is not well-formed would be stored with U+FFFD: several subjects would become one user.
  return !sub.includes("\0") && sub.isWellFormed();
}

/**
 * The scopes in these claims together. A claim is a text with spaces between its scopes (RFC 8693, 4.2) or an array with
 * one scope per entry. Any other value grants no scope.
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
  return isObject && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function scopesIn(value: unknown): string[] {
  const entries: unknown[] = typeof value === "string" ? value.split(" ") : Array.isArray(value) ? value : [];
  return entries.filter((entry): entry is string => typeof entry === "string" && entry !== "");
}

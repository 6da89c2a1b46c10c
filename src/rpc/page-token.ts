import { createHash } from "node:crypto";
import { DomainError } from "../domain/failure.ts";

/** The filters of a list, in a form that does not depend on the order or spelling of the request. */
export type ListIdentity = readonly (string | boolean | undefined)[];

const digestBytes = 9;

/**
 * Encodes where the next page begins. A digest of the filters binds the token to its list. Clients must treat it as opaque,
 * but it is not a secret: a forged token can only begin a page elsewhere in the same list.
 */
export function encodePageToken(list: ListIdentity, position: readonly string[]): string {
  return Buffer.from(JSON.stringify([digestOf(list), ...position])).toString("base64url");
}

/** The position in a token that was encoded for the same list. Raises INVALID_PAGE_TOKEN for any other token. */
export function decodePageToken(list: ListIdentity, token: string): string[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    // Rejected below with the rest.
  }
  const [digest, ...position]: string[] =
    Array.isArray(parts) && parts.every((part) => typeof part === "string") ? parts : [];
  if (digest !== digestOf(list)) throw new DomainError({ reason: "INVALID_PAGE_TOKEN" });
  return position;
}

/** An id in a token; ids are positive and fit PostgreSQL's bigint. */
export function parseTokenId(text: string | undefined): bigint {
  if (text === undefined || !/^[1-9]\d{0,18}$/.test(text) || BigInt(text) > 2n ** 63n - 1n) {
    throw new DomainError({ reason: "INVALID_PAGE_TOKEN" });
  }
  return BigInt(text);
}

/** An instant in a token, in the years 1 to 9999 as in the schema's timestamps. */
export function parseTokenInstant(text: string | undefined): Temporal.Instant {
  if (text === undefined || !/^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(text)) {
    throw new DomainError({ reason: "INVALID_PAGE_TOKEN" });
  }
  try {
    return Temporal.Instant.from(text);
  } catch (cause) {
    throw new DomainError({ reason: "INVALID_PAGE_TOKEN" }, { cause });
  }
}

function digestOf(list: ListIdentity): string {
  const json = JSON.stringify(list.map((part) => part ?? null));
  return createHash("sha256").update(json).digest().subarray(0, digestBytes).toString("base64url");
}

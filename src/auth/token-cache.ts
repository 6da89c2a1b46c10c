/** A cache of verified tokens, so that a signature is not verified for each call. */
import { LRUCache } from "lru-cache";
import type { Identity } from "./identity.ts";

interface TokenCache {
  get(token: string): Identity | undefined;
  add(token: string, identity: Identity, ttlMs: number): void;
}

const maxTokens = 10_000;
const maxLength = 8 * 1024 * 1024;
/** Tokens are cached before their calls are counted. This limit keeps one subject from evicting all others. */
const maxTokensOfSubject = 100;

/** Creates an empty cache. It is bounded in all and for each subject, whose oldest tokens are evicted first. */
export function createTokenCache(): TokenCache {
  /** The keys of `identities`, the oldest of a subject first. */
  const tokensBySubject = new Map<string, Set<string>>();
  const identities = new LRUCache<string, Identity>({
    max: maxTokens,
    maxSize: maxLength,
    sizeCalculation: (_identity, token) => token.length,
    dispose({ subject }, token) {
      const tokens = tokensBySubject.get(subject);
      tokens?.delete(token);
      if (tokens?.size === 0) tokensBySubject.delete(subject);
    },
  });
  return {
    get: (token) => identities.get(token),
    add(token, identity, ttlMs) {
      // First, since it disposes of the token's previous entry.
      identities.set(token, identity, { ttl: ttlMs });
      const tokens = tokensBySubject.getOrInsertComputed(identity.subject, () => new Set());
      tokens.add(token);
      const [oldest] = tokens;
      if (tokens.size > maxTokensOfSubject && oldest !== undefined) identities.delete(oldest);
    },
  };
}

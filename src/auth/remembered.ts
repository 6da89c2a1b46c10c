/** Tokens that were found good, so that they need not be verified again for a while. */
import { LRUCache } from "lru-cache";

/** What a token says of its bearer. */
export interface Identity {
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  /** When the token stops being accepted, in milliseconds since 1970: the tolerance for clocks is included. */
  readonly expiresAtMs: number;
}

/** Tokens and the identities in them. */
export interface RememberedTokens {
  get(token: string): Identity | undefined;
  add(token: string, identity: Identity, ttlMs: number): void;
}

const maxTokens = 10_000;
const maxLength = 8 * 1024 * 1024;
/** Tokens are remembered before their calls are counted. This limit keeps one subject from displacing all others. */
const maxTokensOfSubject = 100;

/** Makes an empty memory. It is bounded in all and for each subject, whose oldest tokens are forgotten first. */
export function createRememberedTokens(): RememberedTokens {
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
      // First, since it disposes of what the token had before.
      identities.set(token, identity, { ttl: ttlMs });
      const tokens = tokensBySubject.get(identity.subject) ?? new Set();
      tokensBySubject.set(identity.subject, tokens.add(token));
      const [oldest] = tokens;
      if (tokens.size > maxTokensOfSubject && oldest !== undefined) identities.delete(oldest);
    },
  };
}

/** What the check of tokens publishes. */
export interface AuthEvents {
  /** The key set could not be fetched. The keys of the last one stay in use for an hour. */
  readonly "auth.keys_unreachable": { readonly error: unknown };
  /** A token was rejected. The token itself is not part of the event, since it is a secret. */
  readonly "auth.token_rejected": TokenUse & { readonly describe: () => RejectedToken };
}

/** The call that a token came with, for the log. */
export interface TokenUse {
  readonly requestId: string;
  readonly traceId: string | undefined;
}

/** The parts of a rejected token that may be logged, cut to a bounded length. */
export interface RejectedToken {
  readonly reason: string;
  readonly kid: string | undefined;
  readonly alg: string | undefined;
  readonly iss: string | undefined;
}

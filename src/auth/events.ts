/** What the check of tokens publishes. */
export interface AuthEvents {
  /** The identity provider's keys were read. */
  readonly "auth.keys_read": { readonly count: number };
  /** The keys could not be read. The ones from before stay in use while they may. */
  readonly "auth.keys_unreachable": { readonly error: unknown };
}

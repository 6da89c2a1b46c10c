/** The caller of a method. */
export interface Caller {
  /** The subject of the caller's token; undefined for a caller without one. */
  readonly subject: string | undefined;
  /** The scopes that the token grants. If the service verifies no tokens, all. */
  readonly scopes: Pick<ReadonlySet<string>, "has">;
  /** When the caller's token stops being accepted, in milliseconds since 1970; undefined for a caller without one. */
  readonly expiresAtMs?: number;
  /** The address the call came from. */
  readonly address: string;
}

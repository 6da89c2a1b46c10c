/** Who makes a call. */
export interface Caller {
  /** The subject of the caller's token; undefined for a caller without one. */
  readonly subject: string | undefined;
  /** What the token allows. */
  readonly scopes: ReadonlySet<string>;
  /** When the caller's token stops being accepted, in milliseconds since 1970; undefined for a caller without one. */
  readonly expiresAtMs?: number;
  /** The address the call came from. */
  readonly address: string;
}

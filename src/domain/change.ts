/** A change of a resource: who makes it, on which condition, and what it returns. */
import type { BrokenPrecondition } from "./failure.ts";

/** Who makes a change, for the audit trail. */
export interface Actor {
  /** The token's subject; without a token the user that the request names; undefined if it names none. */
  readonly subject: string | undefined;
  /** The client's address; undefined for the service itself. */
  readonly address: string | undefined;
}

/** The service itself, for changes without a call. */
export const serviceItself: Actor = { subject: undefined, address: undefined };

/** What the headers of a call demand of a resource's version, besides the version in the request. */
export interface Precondition {
  /** The demand that a resource of this version breaks; undefined if it breaks none. */
  brokenBy(version: number): BrokenPrecondition | undefined;
}

/** What a change returns, and whether an earlier call with the same key made it. */
export interface Replayable<Value> {
  readonly value: Value;
  readonly replayed: boolean;
}

import type { BrokenPrecondition } from "./failure.ts";

/** What a caller demands of a resource's version besides the one that its request is based on. */
export interface Precondition {
  /** The demand that a resource of this version breaks; undefined if it breaks none. */
  brokenBy(version: number): BrokenPrecondition | undefined;
}

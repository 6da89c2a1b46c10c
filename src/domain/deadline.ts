import { DomainError } from "./errors.ts";

/** How long one caller waits, and whether its work has begun: a call whose deadline passes before that stores nothing. */
export interface Deadline {
  /** Aborts when the caller's time is up or the caller is gone. */
  readonly signal: AbortSignal;
  /** When that will be at the latest, by `performance.now()`; undefined for work that nobody in particular waits for. */
  readonly expiresAtMs?: number;
  begun: boolean;
}

/** Marks the work as begun; throws DEADLINE_EXCEEDED, with nothing stored, if nobody waits for it any more. */
export function begin(deadline: Deadline): void {
  if (deadline.signal.aborted && !deadline.begun) throw new DomainError({ reason: "DEADLINE_EXCEEDED", begun: false });
  deadline.begun = true;
}

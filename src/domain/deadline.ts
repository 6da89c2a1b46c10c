import { DomainError } from "./failure.ts";

/** How long one caller waits, and whether its work has begun: a call whose deadline passes before that stores nothing. */
export interface Deadline {
  /** Aborts when the caller's time is up or the caller is gone. */
  readonly signal: AbortSignal;
  /** When that will be at the latest, by `performance.now()`; undefined for work that nobody in particular waits for. */
  readonly expiresAtMs?: number;
  begun: boolean;
}

/** Whether nobody waits any more. In a rush the timer that says so may come late, so the clock is asked as well. */
export function isOver({ signal, expiresAtMs = Number.POSITIVE_INFINITY }: Deadline): boolean {
  return signal.aborted || performance.now() >= expiresAtMs;
}

/** Marks the work as begun; throws DEADLINE_EXCEEDED, with nothing stored, if nobody waits for it any more. */
export function begin(deadline: Deadline): void {
  if (!deadline.begun) requireAwaited(deadline);
  deadline.begun = true;
}

/** Throws what `notAwaited` says if nobody waits any more. */
export function requireAwaited(deadline: Deadline): void {
  if (isOver(deadline)) throw notAwaited();
}

/** The failure of work that has not begun when nobody waits for it any more. */
export function notAwaited(): DomainError {
  return new DomainError({ reason: "DEADLINE_EXCEEDED", begun: false });
}

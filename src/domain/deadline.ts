import type { CallTrace } from "./call-trace.ts";
import { type Clock, monotonicClock } from "./clock.ts";
import { DomainError } from "./failure.ts";

/** How long a caller waits for work: a value, which all parts of the work share. */
export interface Deadline {
  /** Aborts when the instant has passed, or before that when the client disconnects or a shutdown ends the call. */
  readonly signal: AbortSignal;
  /** An instant of the monotonic clock; infinite for work without a caller. */
  readonly expiresAtMs: number;
  /** The trace of the call that waits. Work that many calls share belongs to the traces of all of them. */
  readonly trace?: CallTrace | undefined;
}

/** Whether work waits for its turn, so that nothing of it is stored, or has begun, so that it may be. */
export type Progress = "waiting" | "begun";

/** The deadline of a change. The owner of the work, a queue or a transaction, reports each change of its progress. */
export interface ChangeDeadline extends Deadline {
  onProgress(progress: Progress): void;
}

/** The deadline of work that no caller waits for. */
export function endlessDeadline(): ChangeDeadline {
  return { signal: new AbortController().signal, expiresAtMs: Number.POSITIVE_INFINITY, onProgress: () => {} };
}

/** The deadline of the service's own work, from now on. */
export function deadlineWithin(timeoutMs: number, signal: AbortSignal): ChangeDeadline {
  return { signal, expiresAtMs: monotonicClock.nowMs() + timeoutMs, onProgress: () => {} };
}

/** Whether the caller has stopped waiting. Under load the timer behind the signal fires late, so the clock counts too. */
export function isOver({ signal, expiresAtMs }: Deadline, clock: Clock): boolean {
  return signal.aborted || clock.nowMs() >= expiresAtMs;
}

/** Throws DEADLINE_EXCEEDED, with nothing stored, if the caller has stopped waiting. */
export function requireAwaited(deadline: Deadline): void {
  if (isOver(deadline, monotonicClock)) throw notAwaited();
}

/** The failure of work that has not begun when its caller stops waiting. */
export function notAwaited(): DomainError {
  return new DomainError({ reason: "DEADLINE_EXCEEDED", begun: false });
}

import type { LoadSpec, Pace } from "./spec.ts";

/** Which part of a run is measured, on the clock of `performance.now()`; infinite as long as that is not known. */
export interface Window {
  fromMs: number;
  untilMs: number;
}

/**
 * Whether an answer belongs to the window. At a fixed rate it is the requests that were due in it that count, however late
 * they are answered: otherwise the slowest would be left out.
 */
export function isMeasured({ fromMs, untilMs }: Window, pace: Pace, dueAtMs: number, nowMs: number): boolean {
  const atMs = pace.kind === "open" ? dueAtMs : nowMs;
  return fromMs <= atMs && atMs < untilMs;
}

/** How long it took to answer what is measured. */
export function elapsedMs({ fromMs, untilMs }: Window, pace: Pace, finishedAtMs: number): number {
  return (pace.kind === "open" ? finishedAtMs : Math.min(untilMs, finishedAtMs)) - fromMs;
}

/** The window of a run that begins now. */
export function windowOf(pace: Pace): Window {
  const nowMs = performance.now();
  if (pace.kind === "count") return { fromMs: nowMs, untilMs: Number.POSITIVE_INFINITY };
  if (pace.kind === "closed") return { fromMs: Number.POSITIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
  const fromMs = nowMs + pace.warmUpMs;
  return { fromMs, untilMs: fromMs + pace.measureMs };
}

/**
 * Opens the window of a closed loop when it is warm: some time has passed, and every user has had an answer. A baseline that
 * takes longer for that than it is then measured for is measured all the same.
 */
export function createWarmUp({ pace, users }: LoadSpec, window: Window): (user: number, nowMs: number) => void {
  if (pace.kind !== "closed") return () => {};
  const warmAtMs = performance.now() + pace.warmUpMs;
  const latestMs = warmAtMs + pace.measureMs;
  const answered = new Uint8Array(users);
  let missing = users;
  return (user, nowMs) => {
    if (window.fromMs !== Number.POSITIVE_INFINITY) return;
    if (answered[user] === 0) missing--;
    answered[user] = 1;
    if (nowMs < (missing > 0 ? latestMs : warmAtMs)) return;
    window.fromMs = nowMs;
    window.untilMs = nowMs + pace.measureMs;
  };
}

import type { LoadSpec, Pace } from "./spec.ts";

/** Which part of a run is measured, on the clock of `performance.now()`; infinite as long as that is not known. */
export interface Window {
  fromMs: number;
  untilMs: number;
}

/** Whether something happened in the window. Throughput counts the answers that came in it, whatever the pace. */
export function isWithin({ fromMs, untilMs }: Window, atMs: number): boolean {
  return fromMs <= atMs && atMs < untilMs;
}

/**
 * Whether an answer's latency is measured. At a fixed rate it is the requests that were due in the window that count,
 * however late they are answered: otherwise the slowest would be left out.
 */
export function isTimed(window: Window, pace: Pace, dueAtMs: number, nowMs: number): boolean {
  return isWithin(window, pace.kind === "open" ? dueAtMs : nowMs);
}

/** How long the window was open in the end. */
export function elapsedMs({ fromMs, untilMs }: Window, finishedAtMs: number): number {
  return Math.min(untilMs, finishedAtMs) - fromMs;
}

/** The window of a run that begins now. */
export function windowOf(pace: Pace): Window {
  const nowMs = performance.now();
  if (pace.kind === "count") return { fromMs: nowMs, untilMs: Number.POSITIVE_INFINITY };
  if (keepsAllBusy(pace)) return { fromMs: Number.POSITIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
  const fromMs = nowMs + pace.warmUpMs;
  return { fromMs, untilMs: fromMs + pace.measureMs };
}

/** Whether every user always waits for an answer, so that the window can open when all have received one. */
function keepsAllBusy(pace: Pace): boolean {
  return pace.kind === "closed" || (pace.kind === "open" && pace.whenBusy === "leave");
}

/**
 * Opens the window of a load that keeps all users busy when it is warm: some time has passed, and every user has had an
 * answer. The window opens at the latest after the measured time, for a baseline that is slower than that.
 */
export function createWarmUp({ pace, users }: LoadSpec, window: Window): (user: number, nowMs: number) => void {
  if (pace.kind === "count" || !keepsAllBusy(pace)) return () => {};
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

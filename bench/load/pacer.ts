import type { LoadSpec } from "./spec.ts";
import type { Window } from "./window.ts";

const openTickMs = 1;

/** Decides when each user sends. */
export interface Pacer {
  start(onTick: (nowMs: number) => void): void;
  /** A user has its answer. */
  isIdle(user: number, nowMs: number): void;
  /** Whether nothing more will be sent. */
  isOver(nowMs: number): boolean;
  stop(): void;
}

/** Sends a user's next request; its latency counts from when it was due. */
type Send = (user: number, dueAtMs: number) => void;

export function createPacer({ pace, users }: LoadSpec, window: Window, send: Send): Pacer {
  if (pace.kind === "open") return createOpenPacer(users, pace, window, send);
  const requestsLeft = new Float64Array(users).fill(pace.kind === "count" ? pace.requestsPerUser : Infinity);
  let usersLeft = users;
  const sendNext = (user: number, nowMs: number) => {
    const left = requestsLeft[user] ?? 0;
    requestsLeft[user] = left - 1;
    if (left > 0 && nowMs < window.untilMs) send(user, nowMs);
    else usersLeft--;
  };
  return {
    start: () => {
      for (let user = 0; user < users; user++) sendNext(user, performance.now());
    },
    isIdle: sendNext,
    isOver: () => usersLeft === 0,
    stop: () => {},
  };
}

function createOpenPacer(
  users: number,
  { ratePerSecond, whenBusy = "wait" }: Extract<LoadSpec["pace"], { kind: "open" }>,
  window: Window,
  send: Send,
): Pacer {
  const idle = Array.from({ length: users }, (_, user) => users - 1 - user);
  const intervalMs = 1_000 / ratePerSecond;
  let nextDueAtMs = performance.now();
  let timer: NodeJS.Timeout | undefined;

  function sendDue(nowMs: number): void {
    while (nextDueAtMs <= nowMs && nextDueAtMs < window.untilMs) {
      const user = idle.pop();
      if (user === undefined && whenBusy === "wait") return;
      if (user !== undefined) send(user, nextDueAtMs);
      nextDueAtMs += intervalMs;
    }
  }
  return {
    start: (onTick) => {
      timer = setInterval(() => {
        const nowMs = performance.now();
        sendDue(nowMs);
        onTick(nowMs);
      }, openTickMs);
    },
    isIdle: (user, nowMs) => {
      idle.push(user);
      sendDue(nowMs);
    },
    isOver: () => nextDueAtMs >= window.untilMs,
    stop: () => clearInterval(timer),
  };
}

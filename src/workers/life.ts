/** How the primary finds out that a worker hangs, which its channel does not show. */
import type { PrimaryLink } from "./link-to-primary.ts";

/** Between two signs of life of a worker, and between two checks of the primary. */
export const lifeIntervalMs = 1_000;
/** One check may fall between two signs. */
const silentChecks = 2;
const mostSilentChecks = 10;
/** A slow machine takes long to load the code. */
const mostStartChecks = 60;

/** Sends signs of life until the process ends. */
export function showLife(primary: PrimaryLink): void {
  setInterval(() => void primary.send({ type: "alive" }), lifeIntervalMs).unref();
}

/** What the primary knows of a worker's life. */
export interface Life {
  /** The worker has given a sign of life. */
  seen(): void;
  /** The worker serves: from here on its silence counts, and no longer the time of its start. */
  serves(): void;
  /** Whether it serves and has given no sign of life for two checks. */
  isSilent(): boolean;
  /** Called at each check. Returns why the worker is to be killed now. */
  check(): "silent" | "starting" | undefined;
}

/** Counts checks and measures no time: on a machine that was frozen the primary was frozen as well, and checks once. */
export function createLife(): Life {
  let checks = 0;
  let isServing = false;
  return {
    seen() {
      if (isServing) checks = 0;
    },
    serves() {
      isServing = true;
      checks = 0;
    },
    isSilent: () => isServing && checks >= silentChecks,
    check() {
      checks++;
      if (isServing) return checks === mostSilentChecks ? "silent" : undefined;
      return checks === mostStartChecks ? "starting" : undefined;
    },
  };
}

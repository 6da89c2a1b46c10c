/** Bounds what is open at the same time: in the process, for each caller, and for each address. */
import type { LimitKey } from "./limit-key.ts";

export interface ConcurrencyLimits {
  readonly process: number;
  /** For one caller. */
  readonly caller: number;
  /** For all anonymous callers of one address. */
  readonly address: number;
}

/** The right to be open. */
export interface Permit {
  /** Gives the permit back. Further calls do nothing. */
  readonly release: () => void;
}

interface ConcurrencyLimit {
  /** Takes one permit for all keys together, or returns the limit that has been reached. */
  tryAcquire(keys: readonly LimitKey[]): Permit | keyof ConcurrencyLimits;
}

/** Creates a limit for one kind of thing, such as streams. */
export function createConcurrencyLimit(limits: ConcurrencyLimits): ConcurrencyLimit {
  const openByKey = new Map<string, number>();
  let open = 0;
  const add = (keys: readonly LimitKey[], change: 1 | -1) => {
    open += change;
    for (const { key } of keys) {
      const count = (openByKey.get(key) ?? 0) + change;
      if (count === 0) openByKey.delete(key);
      else openByKey.set(key, count);
    }
  };
  return {
    tryAcquire(keys) {
      if (open >= limits.process) return "process";
      const full = keys.find(({ kind, key }) => (openByKey.get(key) ?? 0) >= limits[kind]);
      if (full) return full.kind;
      add(keys, 1);
      let isHeld = true;
      return {
        release() {
          if (isHeld) add(keys, -1);
          isHeld = false;
        },
      };
    },
  };
}

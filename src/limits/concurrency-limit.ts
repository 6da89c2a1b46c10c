/** Bounds what is open at the same time: in all, for each caller, and for each address. */
import type { Counted } from "./rate-limit.ts";

export interface PlaceLimits {
  readonly inAll: number;
  /** For one caller. */
  readonly caller: number;
  /** For all callers of one address that have no token. */
  readonly address: number;
}

/** A place that was taken. */
export interface Place {
  /** Gives the place back, once however often it is called. */
  readonly leave: () => void;
}

export interface Places {
  /** Takes one place for all of these together, or returns the limit that has been reached. */
  take(holders: readonly Counted[]): Place | keyof PlaceLimits;
}

/** Creates the places of one kind of thing. */
export function createPlaces(limits: PlaceLimits): Places {
  const held = new Map<string, number>();
  let total = 0;
  const add = (key: string, change: 1 | -1) => {
    const count = (held.get(key) ?? 0) + change;
    if (count === 0) held.delete(key);
    else held.set(key, count);
  };
  return {
    take(holders) {
      if (total >= limits.inAll) return "inAll";
      const full = holders.find(({ kind, key }) => (held.get(key) ?? 0) >= limits[kind]);
      if (full) return full.kind;
      total++;
      for (const { key } of holders) add(key, 1);
      let isTaken = true;
      return {
        leave() {
          if (!isTaken) return;
          isTaken = false;
          total--;
          for (const { key } of holders) add(key, -1);
        },
      };
    },
  };
}

/** What turns have taken lately, to tell who would wait in vain. */
export interface TurnTimes {
  note(durationMs: number): void;
  /** How long so many turns, one after the other, take at the least. */
  atLeastMs(turns: number): number;
}

const remembered = 8;

/** By the fastest of the last few turns: one that waited for somebody else's lock says nothing of the next. */
export function createTurnTimes(): TurnTimes {
  const lastMs: number[] = [];
  return {
    note(durationMs) {
      lastMs.push(durationMs);
      if (lastMs.length > remembered) lastMs.shift();
    },
    atLeastMs: (turns) => (lastMs.length < remembered ? 0 : turns * Math.min(...lastMs)),
  };
}

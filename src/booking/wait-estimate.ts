/** Estimates how long a request waits for its turn, from how long the last turns took. */
export interface WaitEstimate {
  noteTurn(durationMs: number): void;
  /** The least time that so many turns take, one after the other. */
  leastMs(turns: number): number;
}

const rememberedTurns = 8;

/** Uses the fastest of the last few turns: a turn that waited for another process's lock does not predict the next. */
export function createWaitEstimate(): WaitEstimate {
  const lastMs: number[] = [];
  return {
    noteTurn(durationMs) {
      lastMs.push(durationMs);
      if (lastMs.length > rememberedTurns) lastMs.shift();
    },
    leastMs: (turns) => (lastMs.length < rememberedTurns ? 0 : turns * Math.min(...lastMs)),
  };
}

const rememberedTurns = 8;

/**
 * Estimates how long a request waits for its turn, by the fastest of the last few turns: a turn that waited for another
 * process's lock does not predict the next.
 */
export function createWaitEstimate() {
  const lastMs: number[] = [];
  return {
    noteTurn(durationMs: number): void {
      lastMs.push(durationMs);
      if (lastMs.length > rememberedTurns) lastMs.shift();
    },
    /** The least time that so many turns take, one after the other. */
    leastMs: (turns: number) => (lastMs.length < rememberedTurns ? 0 : turns * Math.min(...lastMs)),
  };
}

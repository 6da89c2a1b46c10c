/** Names and numbers that workloads, thresholds and reports share. */

/** The users of most thresholds. */
export const manyUsers = 500;
/** The most users of any workload. */
export const mostUsers = 5_000;

export const subjectNames = {
  booking: "booking",
  noop: "noop",
  rowLock: "baseline-row-lock",
  bare: "bare",
  soldOut: "sold out",
  soldOutKeyed: "sold out, with keys",
  cached: "cached concert",
  fresh: "uncached concert",
  oneProcess: "one process",
  twoProcesses: "two processes",
  oneWorker: "one worker",
  twoWorkers: "two workers",
  withTokens: "with tokens",
  withoutTokens: "without tokens",
  withMetrics: "with metrics",
  withoutMetrics: "without metrics",
  traced: "traces of 1 %",
  untraced: "no traces",
  peak: "peak",
  tripled: "three times the peak",
  impatient: "three times the peak, impatient",
  calm: "no abuser",
  calmReaders: "readers only",
  searchedReaders: "readers, costly searches",
  filled: "onto 100,000 bookings",
  unfilled: "onto none",
  holding: "holds",
  settling: "holds, each confirmed",
  limited: "booking with a limit per user",
  alone: "no holds",
  expiring: "10,000 holds expire",
} as const;

export const workloadNames = {
  hot: "one hot concert",
  unsold: "nothing to book",
  spread: "100 concerts evenly",
  filled: "a hot concert with 100,000 bookings",
  rush: "500 users for 1,000 tickets",
  rate: "2,000 bookings a second",
  processes: "two processes on one concert",
  workersHot: "workers behind one port, one hot concert",
  workersSpread: "workers behind one port, 100 concerts evenly",
  workersReads: "workers behind one port, reads",
  tokens: "one hot concert, tokens",
  metrics: "one hot concert, metrics",
  traces: "one hot concert, traces",
  holds: "one hot concert, holds",
  expiry: "a rush beside holds that expire",
  overload: "three times the capacity",
  abuse: "a client beside an abuser",
  large: "a million concerts, two million bookings",
} as const;

/** The deadline of impatient clients: much less than `mostUsers` take to be served. */
export const impatienceMs = 250;

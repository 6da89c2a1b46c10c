/** Who may hold how many of the pool's connections at once. */
export interface PoolShares {
  /** The engine's batches. More at once make none of them faster, and the others need the rest. */
  readonly batches: number;
  /** Reads outside a transaction. */
  readonly reads: number;
  /** Reads that search, a part of `reads`: other reads must not wait behind them. */
  readonly searches: number;
}

const batchShare = 0.4;
/** Of the reads' connections. Of a single one nothing is left for other reads. */
const searchShare = 0.5;
/** From this size on two organizers find a connection at once, below it one. */
const sizeForTwoOrganizers = 5;

/**
 * Shares a pool out, so that neither a rush of bookings nor one of reads takes every connection: organizers' transactions
 * have what is left. Of one or two connections nothing is left for them.
 */
export function sharePool(poolSize: number): PoolShares {
  const batches = Math.max(1, Math.floor(poolSize * batchShare));
  const organizers = poolSize < sizeForTwoOrganizers ? 1 : 2;
  const reads = Math.max(1, poolSize - batches - organizers);
  return { batches, reads, searches: Math.max(1, Math.floor(reads * searchShare)) };
}

/** How many of the pool's connections each kind of work may hold at once. */
interface PoolShares {
  /** The engine's batches. More at once make none of them faster, and other work needs the rest. */
  readonly batches: number;
  /** Reads outside a transaction. */
  readonly reads: number;
  /** Searches, a part of `reads`: other reads must not wait behind them. */
  readonly searches: number;
}

const batchShare = 0.4;
/** Of the reads' connections. A single one is shared with other reads. */
const searchShare = 0.5;
/** From this size on two connections are left for organizers' transactions, below it one. */
const sizeForTwoOrganizers = 5;

/**
 * Divides a pool, so that neither a rush of bookings nor one of reads takes every connection: organizers' transactions
 * have the rest. A pool of one or two connections has no rest.
 */
export function sharePool(poolSize: number): PoolShares {
  const batches = Math.max(1, Math.floor(poolSize * batchShare));
  const organizers = poolSize < sizeForTwoOrganizers ? 1 : 2;
  const reads = Math.max(1, poolSize - batches - organizers);
  return { batches, reads, searches: Math.max(1, Math.floor(reads * searchShare)) };
}

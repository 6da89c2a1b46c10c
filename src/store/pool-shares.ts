/** Who may hold how many of the pool's connections at once. */
export interface PoolShares {
  /** The engine's batches. More at once make none of them faster, and the others need the rest. */
  readonly batches: number;
  /** Reads outside a transaction. */
  readonly reads: number;
}

const batchShare = 0.4;
/** From this size on two organizers find a connection at once, below it one. */
const sizeForTwoOrganizers = 5;

/**
 * Shares a pool out, so that neither a rush of bookings nor one of reads takes every connection: organizers' transactions
 * have what is left. Of one or two connections nothing is left for them.
 */
export function sharePool(poolSize: number): PoolShares {
  const batches = Math.max(1, Math.floor(poolSize * batchShare));
  const organizers = poolSize < sizeForTwoOrganizers ? 1 : 2;
  return { batches, reads: Math.max(1, poolSize - batches - organizers) };
}

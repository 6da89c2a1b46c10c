import { expect, test } from "vitest";
import { sharePool } from "./shares.ts";

test.each([
  { poolSize: 1, batches: 1, reads: 1, searches: 1 },
  { poolSize: 2, batches: 1, reads: 1, searches: 1 },
  { poolSize: 3, batches: 1, reads: 1, searches: 1 },
  { poolSize: 4, batches: 1, reads: 2, searches: 1 },
  { poolSize: 5, batches: 2, reads: 1, searches: 1 },
  { poolSize: 10, batches: 4, reads: 4, searches: 2 },
  { poolSize: 200, batches: 80, reads: 118, searches: 59 },
])(
  "a pool of $poolSize: $batches for batches, $reads for reads, $searches of them for searches",
  ({ poolSize, ...shares }) => {
    expect(sharePool(poolSize)).toEqual(shares);
  },
);

import type { Publish } from "../../domain/publish.ts";
import type { PoolName, StoreEvents } from "../events.ts";

/**
 * Runs work that waits for a connection, and publishes how long it waited: until it calls `onConnected`, or until it ends if
 * it gets none.
 */
export async function measureWait<Result>(
  pool: PoolName,
  publish: Publish<StoreEvents>,
  work: (onConnected: () => void) => Promise<Result>,
): Promise<Result> {
  const askedAtMs = performance.now();
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    publish("store.connection_waited", { pool, waitMs: performance.now() - askedAtMs });
  };
  try {
    return await work(end);
  } finally {
    end();
  }
}

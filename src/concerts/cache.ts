import { LRUCache } from "lru-cache";
import type { Concert, ConcertPosition } from "../domain/concert.ts";
import type { Page } from "../domain/page.ts";

export type ConcertPage = Page<Concert, ConcertPosition>;

/**
 * What this process has read or committed within the last second. A rush of readers costs the database one read a second
 * of each concert and page, and whoever books through this process sees the concert as the booking left it.
 */
export interface ConcertCache {
  /** A concert, read by `load` if it is not at hand; undefined if there is none. Readers at one time share one read. */
  concert(id: bigint, load: () => Promise<Concert | undefined>): Promise<Concert | undefined>;
  /** A page, by whatever tells it from others; its concerts are as new as the cache knows them. */
  page(key: string, load: () => Promise<ConcertPage>): Promise<ConcertPage>;
  /**
   * Takes a concert as a booking has left it. `undefined` when only the database knows how it is now; it may have come, or
   * have another place in lists.
   */
  concertChanged(id: bigint, concert: Concert | undefined): void;
}

const timeToLiveMs = 1_000;

export interface ConcertCacheOptions {
  /** A monotonic clock that never says 0. */
  readonly clockMs?: () => number;
  readonly maxConcerts?: number;
  readonly maxPages?: number;
}

interface CachedConcert {
  readonly concert: Concert | undefined;
  /** When it was committed through this process; undefined if it was read. */
  readonly committedAtMs?: number;
}

interface CachedPage {
  readonly page: ConcertPage;
  readonly readFromMs: number;
}

export function createConcertCache(options: ConcertCacheOptions = {}): ConcertCache {
  const { clockMs = () => performance.now(), maxConcerts = 10_000, maxPages = 500 } = options;
  const concerts = createSingleFlightCache<bigint, CachedConcert>(maxConcerts, clockMs);
  const pages = createSingleFlightCache<string, CachedPage>(maxPages, clockMs);

  return {
    concert: async (id, load) => (await concerts.read(id, async () => ({ concert: await load() }))).concert,
    page: async (key, load) => {
      const { page, readFromMs } = await pages.read(key, async () => ({ readFromMs: clockMs(), page: await load() }));
      const items = page.items.map((item) => {
        const { concert, committedAtMs = Number.NEGATIVE_INFINITY } = concerts.peek(item.id) ?? {};
        return concert && committedAtMs >= readFromMs ? concert : item;
      });
      return { items, next: page.next };
    },
    concertChanged: (id, concert) => {
      if (concert) return concerts.set(id, { concert, committedAtMs: clockMs() });
      concerts.delete(id);
      pages.clear();
    },
  };
}

/** An LRU cache whose entries live for a second from the beginning of their read, and whose readers share one read. */
function createSingleFlightCache<Key extends {}, Value extends {}>(max: number, clockMs: () => number) {
  const cache = new LRUCache<Key, Value, () => Promise<Value>>({
    max,
    ttl: timeToLiveMs,
    ttlResolution: 0,
    perf: { now: clockMs },
    fetchMethod: async (_key, _stale, { context: load, options }) => {
      const readFromMs = clockMs();
      const value = await load();
      const leftMs = timeToLiveMs - (clockMs() - readFromMs);
      // 0 would mean for ever.
      options.ttl = leftMs > 0 ? leftMs : -1;
      return value;
    },
    // A read that a write overtakes is not kept, but still answers those who asked before the write.
    ignoreFetchAbort: true,
  });
  return {
    /** What was written while it was being read is newer. */
    read: async (key: Key, load: () => Promise<Value>): Promise<Value> => {
      const loaded = await cache.forceFetch(key, { context: load });
      return cache.get(key) ?? loaded;
    },
    peek: (key: Key) => cache.get(key),
    set: (key: Key, value: Value) => void cache.set(key, value),
    delete: (key: Key) => void cache.delete(key),
    clear: () => cache.clear(),
  };
}

import { LRUCache } from "lru-cache";
import { type Clock, monotonicClock } from "../domain/clock.ts";
import type { Concert, ConcertPosition } from "../domain/concert.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Page } from "../domain/page.ts";
import { ignoreEvents, type Publish } from "../domain/publish.ts";
import type { ConcertEvents } from "./events.ts";

export type ConcertPage = Page<Concert, ConcertPosition>;

/** See `createConcertCache`. */
export type ConcertCache = ReturnType<typeof createConcertCache>;

const timeToLiveMs = 1_000;

export interface ConcertCacheOptions {
  /** Must not return 0, which means "never" to lru-cache. */
  readonly clock?: Clock;
  readonly publish?: Publish<ConcertEvents>;
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

/**
 * What this process has read or committed within the last second. Many readers cost the database one read a second of each
 * concert and page, and a client that books through this process then reads the concert as the booking left it.
 */
export function createConcertCache(options: ConcertCacheOptions = {}) {
  const { clock = monotonicClock, publish = ignoreEvents, maxConcerts = 10_000, maxPages = 500 } = options;
  const concerts = createSingleFlightCache<ConcertId, CachedConcert>(
    maxConcerts,
    clock,
    readReport("concert", publish),
  );
  const pages = createSingleFlightCache<string, CachedPage>(maxPages, clock, readReport("page", publish));

  return {
    /** A concert; undefined if there is none. If it is not cached, `load` reads it, once for all readers that wait for it. */
    concert: async (id: ConcertId, load: () => Promise<Concert | undefined>): Promise<Concert | undefined> =>
      (await concerts.read(id, async () => ({ concert: await load() }))).concert,
    /** A page, by a key of all that selects it. Its concerts are as new as the cache has them. */
    page: async (key: string, load: () => Promise<ConcertPage>): Promise<ConcertPage> => {
      const { page, readFromMs } = await pages.read(key, async () => ({
        readFromMs: clock.nowMs(),
        page: await load(),
      }));
      const items = page.items.map((item) => {
        const { concert, committedAtMs = Number.NEGATIVE_INFINITY } = concerts.peek(item.id) ?? {};
        return concert && committedAtMs >= readFromMs ? concert : item;
      });
      return { items, next: page.next };
    },
    /**
     * Takes a concert as a booking has left it. `undefined` when only the database has its state: it may be new, or have
     * another place in lists.
     */
    concertChanged(id: ConcertId, concert: Concert | undefined): void {
      if (concert) concerts.set(id, { concert, committedAtMs: clock.nowMs() });
      else {
        concerts.delete(id);
        pages.clear();
      }
    },
  };
}

/** Publishes reads without an object for each: a cached read is the cheapest call there is. */
function readReport(kind: "concert" | "page", publish: Publish<ConcertEvents>): (isCached: boolean) => void {
  const hit = { kind, isCached: true };
  const miss = { kind, isCached: false };
  return (isCached) => publish("concerts.read", isCached ? hit : miss);
}

/** An LRU cache. Entries are valid for a second from the beginning of their read. Concurrent readers share one read. */
function createSingleFlightCache<Key extends {}, Value extends {}>(
  max: number,
  clock: Clock,
  report: (isCached: boolean) => void,
) {
  const cache = new LRUCache<Key, Value, () => Promise<Value>>({
    max,
    ttl: timeToLiveMs,
    ttlResolution: 0,
    perf: { now: () => clock.nowMs() },
    fetchMethod: async (_key, _stale, { context: load, options }) => {
      const readFromMs = clock.nowMs();
      const value = await load();
      const leftMs = timeToLiveMs - (clock.nowMs() - readFromMs);
      // 0 would mean for ever.
      options.ttl = leftMs > 0 ? leftMs : -1;
      return value;
    },
    // A read that a change overtakes is not kept, but still answers the readers that asked before the change.
    ignoreFetchAbort: true,
  });
  return {
    read: async (key: Key, load: () => Promise<Value>): Promise<Value> => {
      const cached = cache.get(key);
      report(cached !== undefined);
      if (cached !== undefined) return cached;
      const loaded = await cache.forceFetch(key, { context: load });
      // A change that was committed during the read is newer.
      return cache.get(key) ?? loaded;
    },
    peek: (key: Key) => cache.get(key),
    set: (key: Key, value: Value) => void cache.set(key, value),
    delete: (key: Key) => void cache.delete(key),
    clear: () => cache.clear(),
  };
}

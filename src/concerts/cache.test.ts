import { describe, expect, test } from "vitest";
import { exampleConcert } from "../../test/support/booking/example-bookings.ts";
import type { Concert } from "../domain/concert.ts";
import { concertIdOf } from "../domain/ids.ts";
import { type ConcertCacheOptions, type ConcertPage, createConcertCache } from "./cache.ts";

const { id } = exampleConcert;
const concert = (availableTickets: number, changes: Partial<Concert> = {}): Concert => {
  return { ...exampleConcert, availableTickets, ...changes };
};
const pageOf = (...items: Concert[]): ConcertPage => ({ items, next: undefined });

/** A cache, its clock, and reads of the database that end when the test says. */
function createStage(options: ConcertCacheOptions = {}) {
  const clock = { nowMs: 5_000 };
  const cache = createConcertCache({ clock: { nowMs: () => clock.nowMs }, ...options });
  /** The reads under way or done, in the order of their beginning. */
  const reads: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  const load = <Value>() => {
    const read = Promise.withResolvers<Value>();
    reads.push({ resolve: (value) => read.resolve(value as Value), reject: read.reject });
    return read.promise;
  };
  return {
    ...{ cache, clock, reads },
    concert: (concertId: bigint = id) => cache.concert(concertIdOf(concertId), load<Concert | undefined>),
    page: (key = "page") => cache.page(key, load<ConcertPage>),
    /** Ends the read of that number. */
    answer: (index: number, value: Concert | ConcertPage | undefined) => reads[index]?.resolve(value),
    fail: (index: number) => reads[index]?.reject(new Error(`read ${index} failed`)),
  };
}

type Stage = ReturnType<typeof createStage>;

const kinds = [
  { kind: "concert", read: (stage: Stage) => stage.concert(), before: concert(9), after: concert(8) },
  { kind: "page", read: (stage: Stage) => stage.page(), before: pageOf(concert(9)), after: pageOf(concert(8)) },
];

describe.each(kinds)("a $kind", ({ kind, read, before, after }) => {
  /** Reads, and ends the read of that number. */
  async function readAt(stage: Stage, index: number, value: typeof before): Promise<unknown> {
    const reading = read(stage);
    stage.answer(index, value);
    return await reading;
  }

  test("is read once for all readers that wait for it", async () => {
    const events: unknown[] = [];
    const stage = createStage({ publish: (_, { kind: read, isCached }) => events.push([read, isCached]) });
    const readers = Array.from({ length: 50 }, () => read(stage));
    stage.answer(0, before);
    expect(await Promise.all(readers)).toEqual(readers.map(() => before));
    expect(await read(stage)).toEqual(before);
    expect(stage.reads).toHaveLength(1);
    expect(events).toEqual([...readers.map(() => [kind, false]), [kind, true]]);
  });

  test("is read again after a second", async () => {
    const stage = createStage();
    await readAt(stage, 0, before);
    stage.clock.nowMs += 1_000;
    expect(await read(stage)).toEqual(before);
    stage.clock.nowMs += 1;
    expect(await readAt(stage, 1, after)).toEqual(after);
  });

  test("is cached for a second from the beginning of its read", async () => {
    const stage = createStage();
    const first = read(stage);
    stage.clock.nowMs += 400;
    stage.answer(0, before);
    await first;
    stage.clock.nowMs += 600;
    expect(await read(stage)).toEqual(before);
    stage.clock.nowMs += 1;
    expect(await readAt(stage, 1, after)).toEqual(after);
  });

  test.each([1_000, 1_500])("whose read took %d ms is not cached", async (tookMs) => {
    const stage = createStage();
    const first = read(stage);
    stage.clock.nowMs += tookMs;
    stage.answer(0, before);
    expect(await first).toEqual(before);
    expect(await readAt(stage, 1, after)).toEqual(after);
  });

  test("whose read fails rejects all readers that waited, and is read again for the next", async () => {
    const stage = createStage();
    const readers = Array.from({ length: 3 }, () => read(stage));
    stage.fail(0);
    const settled = await Promise.allSettled(readers);
    expect(settled.map((each) => each.status === "rejected" && String(each.reason))).toEqual(
      readers.map(() => "Error: read 0 failed"),
    );
    expect(await readAt(stage, 1, before)).toEqual(before);
  });

  test("that is forgotten is read again", async () => {
    const stage = createStage();
    await readAt(stage, 0, before);
    stage.cache.concertChanged(id, undefined);
    expect(await readAt(stage, 1, after)).toEqual(after);
  });

  test("that is forgotten during its read is read again, once for all later readers", async () => {
    const stage = createStage();
    const early = [read(stage), read(stage)];
    stage.cache.concertChanged(id, undefined);
    const late = [read(stage), read(stage)];
    stage.answer(0, before);
    expect(await Promise.all(early)).toEqual([before, before]);
    stage.answer(1, after);
    expect(await Promise.all(late)).toEqual([after, after]);
    expect(await read(stage)).toEqual(after);
    expect(stage.reads).toHaveLength(2);
  });

  test("is not replaced by a read that began before a change", async () => {
    const stage = createStage();
    const early = read(stage);
    stage.cache.concertChanged(id, undefined);
    const late = read(stage);
    stage.answer(1, after);
    expect(await late).toEqual(after);
    stage.answer(0, before);
    await early;
    expect(await read(stage)).toEqual(after);
  });
});

describe("a concert that is committed", () => {
  test("needs no read", async () => {
    const { cache, concert: read } = createStage();
    cache.concertChanged(id, concert(3));
    expect(await read()).toEqual(concert(3));
  });

  test("during its read replaces what was read, for all readers", async () => {
    const { cache, concert: read, answer, reads } = createStage();
    const waiting = [read(), read()];
    cache.concertChanged(id, concert(8));
    const coming = read();
    answer(0, concert(9));
    expect(await Promise.all([...waiting, coming, read()])).toEqual(Array.from({ length: 4 }, () => concert(8)));
    expect(reads).toHaveLength(1);
  });

  test("replaces what was read, and what was committed before", async () => {
    const { cache, concert: read, answer } = createStage();
    const first = read();
    answer(0, concert(9));
    await first;
    cache.concertChanged(id, concert(8));
    expect(await read()).toEqual(concert(8));
    cache.concertChanged(id, concert(7));
    expect(await read()).toEqual(concert(7));
  });

  test("is read again after a second", async () => {
    const { cache, clock, concert: read, answer } = createStage();
    cache.concertChanged(id, concert(8));
    clock.nowMs += 1_001;
    const again = read();
    answer(0, concert(2));
    expect(await again).toEqual(concert(2));
  });
});

describe("a page's concerts", () => {
  const other = concert(50, { id: concertIdOf(8n) });

  /** A page in the cache, read at once. */
  async function pageInCache() {
    const stage = createStage();
    const first = stage.page();
    stage.answer(0, pageOf(concert(9), other));
    await first;
    return stage;
  }

  test("have the state that was committed since the page was read", async () => {
    const { cache, clock, page } = await pageInCache();
    for (const available of [8, 7]) {
      clock.nowMs += 10;
      cache.concertChanged(id, concert(available));
      expect(await page()).toEqual(pageOf(concert(available), other));
    }
  });

  test("have the state that was committed during the page's read", async () => {
    const { cache, page, answer } = createStage();
    const waiting = page();
    cache.concertChanged(id, concert(8));
    answer(0, pageOf(concert(9), other));
    expect(await waiting).toEqual(pageOf(concert(8), other));
  });

  test("keep the committed state for as long as the page is cached", async () => {
    const { cache, clock, page, answer } = createStage();
    const waiting = page();
    clock.nowMs += 1;
    cache.concertChanged(id, concert(8));
    clock.nowMs += 500;
    answer(0, pageOf(concert(9)));
    await waiting;
    clock.nowMs += 499;
    expect(await page()).toEqual(pageOf(concert(8)));
    clock.nowMs += 1;
    void page();
    answer(1, pageOf(concert(7)));
    expect(await page()).toEqual(pageOf(concert(7)));
  });

  test("have the page's state if it was read after the commit", async () => {
    const { cache, clock, page, answer } = createStage();
    cache.concertChanged(id, concert(8));
    clock.nowMs += 1;
    const first = page();
    answer(0, pageOf(concert(7)));
    expect(await first).toEqual(pageOf(concert(7)));
  });

  test("have the page's state if they were only read since", async () => {
    const { clock, page, concert: read, answer } = await pageInCache();
    clock.nowMs += 1;
    const since = read();
    answer(1, concert(6));
    await since;
    expect(await page()).toEqual(pageOf(concert(9), other));
  });

  test("keep the page's next position", async () => {
    const { cache, page, answer } = createStage();
    const next = { concertDate: exampleConcert.concertDate, id };
    const first = page();
    cache.concertChanged(id, concert(8));
    answer(0, { items: [concert(9)], next });
    expect(await first).toEqual({ items: [concert(8)], next });
  });
});

describe("a concert that does not exist", () => {
  test("is read once a second", async () => {
    const { clock, concert: read, answer, reads } = createStage();
    const waiting = [read(), read()];
    answer(0, undefined);
    expect(await Promise.all([...waiting, read()])).toEqual([undefined, undefined, undefined]);
    expect(reads).toHaveLength(1);
    clock.nowMs += 1_001;
    const again = read();
    answer(1, concert(9));
    expect(await again).toEqual(concert(9));
  });

  test("is read again once it has been created", async () => {
    const { cache, concert: read, answer } = createStage();
    const first = read();
    answer(0, undefined);
    await first;
    cache.concertChanged(id, undefined);
    const again = read();
    answer(1, concert(9));
    expect(await again).toEqual(concert(9));
  });
});

describe("beyond the limits", () => {
  test("the concert that was not read for the longest time is read again", async () => {
    const { concert: read, answer, reads } = createStage({ maxConcerts: 2 });
    for (const [index, concertId] of [1n, 2n, 3n].entries()) {
      const first = read(concertId);
      answer(index, concert(9, { id: concertIdOf(concertId) }));
      await first;
    }
    expect(await read(3n)).toMatchObject({ id: 3n });
    expect(await read(2n)).toMatchObject({ id: 2n });
    expect(reads).toHaveLength(3);
    void read(1n);
    expect(reads).toHaveLength(4);
  });

  test("reads under way return their values", async () => {
    const { page, answer, reads } = createStage({ maxPages: 2 });
    const readers = ["a", "b", "c"].map((key) => page(key));
    for (const index of [0, 1, 2]) answer(index, pageOf(concert(index)));
    expect(await Promise.all(readers)).toEqual([0, 1, 2].map((available) => pageOf(concert(available))));
    expect(reads).toHaveLength(3);
  });
});

import { expect, test } from "vitest";
import { recordEvents } from "../../test/support/unit/events.ts";
import { type ConcertId, concertIdOf } from "../domain/ids.ts";
import type { BookingEvents } from "./events.ts";
import { startSweeper } from "./sweeper.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** A sweeper in a database with so many concerts that have holds due. */
function sweep(concerts: number) {
  const events = recordEvents<BookingEvents>();
  const started = new Map<ConcertId, PromiseWithResolvers<void>>();
  const concertIds = numbers(concerts).map((id) => concertIdOf(BigInt(id)));
  const engine = {
    expireHolds: (concertId: ConcertId) => {
      const end = Promise.withResolvers<void>();
      started.set(concertId, end);
      return end.promise;
    },
  };
  const store = { read: async () => concertIds as never };
  const sweeper = startSweeper(store, engine, events.publish);
  const endOf = (id: number) => started.get(concertIdOf(BigInt(id)));
  return { sweeper, started, endOf, failures: () => events.of("booking.sweep_failed") };
}

test("expires the holds of 16 concerts at a time", async () => {
  const { sweeper, started, endOf } = sweep(18);
  await settle();
  expect(started.size).toBe(16);
  endOf(3)?.resolve();
  await settle();
  expect(started.size).toBe(17);
  for (const end of started.values()) end.resolve();
  await settle();
  expect(started.size).toBe(18);
  endOf(18)?.resolve();
  await sweeper[Symbol.asyncDispose]();
});

test("goes on while one concert is locked, and after one has failed", async () => {
  const { sweeper, started, endOf, failures } = sweep(40);
  await settle();
  endOf(2)?.reject(new Error("no database"));
  for (const id of numbers(40).filter((number) => number > 2)) {
    endOf(id)?.resolve();
    await settle();
  }
  expect(started.size).toBe(40);
  expect(failures()).toEqual([{ error: new Error("no database") }]);
  endOf(1)?.resolve();
  await sweeper[Symbol.asyncDispose]();
});

test("ends when what is under way has ended, and begins nothing more", async () => {
  const { sweeper, started, endOf, failures } = sweep(20);
  await settle();
  let isOver = false;
  const over = sweeper[Symbol.asyncDispose]().then(() => {
    isOver = true;
  });
  endOf(1)?.reject(new Error("the deadline has passed"));
  await settle();
  expect({ isOver, started: started.size, failures: failures() }).toEqual({ isOver: false, started: 16, failures: [] });
  for (const end of started.values()) end.resolve();
  await over;
  expect(started.size).toBe(16);
});

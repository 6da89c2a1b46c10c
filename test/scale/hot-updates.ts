import { expect, test } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { succeeded } from "../support/protocols/outcomes.ts";
import { hotConcertId } from "./load.ts";
import type { ScaleStage } from "./stage.ts";

const { bookTickets, cancelBooking, holdTickets, confirmHold, releaseHold } = BookingService.method;
const rounds = 100;
const userId = "nora";
/** The columns of indexes that calls change. `updated_at` is that of holds that have ended. */
const changingIndexed = ["bookings.status", "bookings.updated_at"];

/** Defines tests that bookings cost the concerts' indexes nothing. */
export function testHotUpdates(stage: () => ScaleStage): void {
  const book = async () =>
    succeeded(await stage().client.call(bookTickets, { concertId: hotConcertId, userId, ticketCount: 1 }));
  const hold = async () =>
    succeeded(await stage().client.call(holdTickets, { concertId: hotConcertId, userId, ticketCount: 1 }));
  const cancel = async (id: bigint) => succeeded(await stage().client.call(cancelBooking, { id, userId }));

  test("bookings and cancels of a concert are heap-only updates of it", async () => {
    const before = await updatesOfConcerts(stage());
    await stage().meter.measure(async () => {
      for (let round = 0; round < rounds; round++) await cancel((await book()).id);
    });
    const after = await updatesOfConcerts(stage());
    const updates = after.updates - before.updates;
    expect(updates).toBe(2 * rounds);
    expect((after.heapOnly - before.heapOnly) / updates).toBeGreaterThanOrEqual(0.99);
  });

  test("so are holds, confirmations, releases and expiries, one update for each batch", async () => {
    const before = await updatesOfConcerts(stage());
    await stage().meter.measure(async () => {
      for (let round = 0; round < rounds; round++) {
        const confirmed = await hold();
        succeeded(await stage().client.call(confirmHold, { id: confirmed.id, userId }));
        const released = await hold();
        succeeded(await stage().client.call(releaseHold, { id: released.id, userId }));
        const { id, concertId } = await hold();
        await stage().database.query(
          "UPDATE bookings SET hold_expires_time = created_at WHERE concert_id = $1 AND id = $2",
          [concertId, id],
        );
        await book();
      }
    });
    const after = await updatesOfConcerts(stage());
    const updates = after.updates - before.updates;
    // The service may expire a hold before the booking does.
    expect(updates).toBeGreaterThanOrEqual(6 * rounds);
    expect(updates).toBe(after.batches - before.batches);
    expect((after.heapOnly - before.heapOnly) / updates).toBeGreaterThanOrEqual(0.99);
  });

  test("no index has a column of a concert that bookings, holds and cancels change", async () => {
    const fresh = await rowsOf(stage(), await book());
    await book();
    await hold();
    const booked = await rowsOf(stage(), fresh.booking);
    await cancel(fresh.booking.id);
    const cancelled = await rowsOf(stage(), fresh.booking);
    const changed = {
      concerts: changedColumns(fresh.concerts, booked.concerts),
      bookings: changedColumns(booked.bookings, cancelled.bookings),
    };
    expect(changed).toEqual({
      concerts: ["available_tickets", "held_tickets"],
      bookings: ["cancel_request_id", "cancelled_by", "status", "updated_at"],
    });
    // The status of a booking decides in which partial indexes it is.
    const indexed = await stage().database.query<{ table: "concerts" | "bookings"; column: string }>(indexedColumns);
    expect(indexed.length).toBeGreaterThan(0);
    const changing = indexed.filter(({ table, column }) => changed[table].includes(column));
    expect(changing.map(({ table, column }) => `${table}.${column}`)).toEqual(changingIndexed);
  });
}

interface Updates {
  readonly updates: number;
  readonly heapOnly: number;
  readonly batches: number;
}

/** What sessions have reported, as they have to a meter, and how many batches have committed. */
async function updatesOfConcerts({ database, meter }: ScaleStage): Promise<Updates> {
  await meter.measure(async () => {});
  const [row] = await database.query<Updates>(
    `SELECT n_tup_upd::int AS updates, n_tup_hot_upd::int AS "heapOnly", (SELECT count(*)::int FROM batches) AS batches
     FROM pg_stat_user_tables WHERE relname = 'concerts'`,
  );
  if (!row) throw new Error("there are no statistics of concerts");
  return row;
}

type Row = Readonly<Record<string, unknown>>;

async function rowsOf({ database }: ScaleStage, booking: { readonly id: bigint; readonly concertId: bigint }) {
  const read = async (table: string, id: bigint) => {
    const [found] = await database.query<{ row: Row }>(`SELECT to_jsonb(t) AS row FROM ${table} t WHERE id = $1`, [id]);
    return found?.row ?? {};
  };
  return {
    booking,
    concerts: await read("concerts", booking.concertId),
    bookings: await read("bookings", booking.id),
  };
}

function changedColumns(before: Row, after: Row): string[] {
  return Object.keys(after)
    .filter((column) => before[column] !== after[column])
    .toSorted();
}

/** Of keys, included columns, expressions and predicates alike. */
const indexedColumns = `
  SELECT DISTINCT indrelid::regclass::text AS table, attname::text AS column
  FROM pg_index
  JOIN pg_attribute ON attrelid = indrelid AND (attnum = ANY (indkey) OR EXISTS (
    SELECT FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND objid = indexrelid AND refobjid = indrelid AND refobjsubid = attnum
  ))
  WHERE indrelid IN ('concerts'::regclass, 'bookings'::regclass)`;

import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { expect, test } from "vitest";
import { endlessDeadline } from "../../src/domain/deadline.ts";
import { bookingIdOf, concertIdOf } from "../../src/domain/ids.ts";
import { findByIds } from "../../src/store/batch/read.ts";
import { createPlaceFinder } from "../../src/store/booking-places.ts";
import type { DB } from "../../src/store/tables.ts";
import { bookingCount, lastOfSoldOut, soldOutConcertId } from "./load.ts";
import type { ScaleStage } from "./stage.ts";

const mostBuffers = 20;
/** After five runs of a statement PostgreSQL may keep a generic plan. */
const runs = 8;

const placesAtOnce = 500;
/** The levels of an index, and the row. */
const mostForPlace = 6;

/**
 * Defines tests of a batch's lookups of bookings that are not its concert's. By statistics a quarter of all bookings is: a plan
 * that looks for the next one in the order of all ids seems cheap, and reads every later booking. Also lookups of many bookings at once, wherever they are.
 */
export function testLookups(stage: () => ScaleStage): void {
  test.for<readonly [what: string, id: number]>([
    ["is no booking's", lastOfSoldOut],
    ["is of another concert's booking", lastOfSoldOut + 3],
  ])("look under a concert's lock for an id that %s", async ([, id], { annotate }) => {
    await stage().database.query("DELETE FROM bookings WHERE id = $1", [lastOfSoldOut]);
    const session = await stage().database.connect();
    try {
      // The settings of a batch's transaction, in which nothing is reported before its end.
      for (const way of ["seqscan", "hashjoin", "mergejoin"]) await session.query(`SET enable_${way} = off`);
      const { name, text } = findByIds;
      const values = findByIds.values({ concertId: concertIdOf(soldOutConcertId), ids: [bookingIdOf(BigInt(id))] });
      for (let run = 1; run <= runs; run++) {
        const { answer, buffers } = await stage().meter.measure(() => session.query({ name, text, values }));
        expect(answer.rows).toEqual([]);
        if (run === 1 || run === runs) await annotate(`${buffers} buffers in run ${run}`);
        expect(buffers).toBeLessThanOrEqual(mostBuffers);
      }
    } finally {
      await session.end();
    }
  });

  test.for<readonly [what: string, distance: number]>([
    ["near each other", 20],
    ["all over the table", bookingCount / placesAtOnce],
  ])("find the places of many bookings %s", async ([, distance], { annotate }) => {
    const types = new pg.TypeOverrides();
    types.setTypeParser(pg.types.builtins.INT8, BigInt);
    const pool = new pg.Pool({ connectionString: stage().database.url, types, max: 1 });
    await using db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
    const find = createPlaceFinder((work) => work(db));
    const ids = Array.from({ length: placesAtOnce }, (_, index) => bookingIdOf(BigInt(1 + index * distance)));
    const { answer, buffers, statements } = await stage().meter.measure(() =>
      Promise.all(ids.map((id) => find(id, endlessDeadline()))),
    );
    expect(answer).not.toContain(undefined);
    await annotate(`${buffers / placesAtOnce} buffers each`);
    expect(buffers, statements.join("\n")).toBeLessThanOrEqual(placesAtOnce * mostForPlace);
  });
}

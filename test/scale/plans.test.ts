/** On a million concerts and two million bookings no call makes PostgreSQL read more than a bounded number of pages. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { succeeded } from "../support/protocols/outcomes.ts";
import { testCalls } from "./calls.ts";
import { testHotUpdates } from "./hot-updates.ts";
import { denseLists, type Filter, sparseLists } from "./lists.ts";
import { concertCount, dateAt, loadAll } from "./load.ts";
import { testLookups } from "./lookups.ts";
import { moveToken, openScaleStage, type ScaleStage, uncached } from "./stage.ts";
import { testWalks } from "./walks.ts";

/** Where lists begin in the order of dates: at the start, on page 10,000, near the end. */
const places = [undefined, 9_999 * 20, concertCount - 1_500];

let stage: ScaleStage;
beforeAll(async () => {
  const timeouts = { APP_STATEMENT_TIMEOUT: "60s", APP_REQUEST_TIMEOUT: "60s" };
  // In every state the same users hold tickets.
  stage = await openScaleStage({ ...timeouts, APP_MAX_HOLDS_PER_USER: "10" }, loadAll);
}, 300_000);
afterAll(async () => await stage?.close());

/** The statistics, visibility map and indexes of the stored rows. */
const states = [
  { state: "as loaded, without statistics", arrange: async () => {} },
  { state: "vacuumed and analyzed", arrange: () => stage.session.query("VACUUM ANALYZE") },
  { state: "after many concerts have moved, not analyzed", arrange: moveConcerts },
];

describe.each(states)("$state", ({ arrange }) => {
  beforeAll(async () => void (await arrange()), 120_000);

  describe.each([
    { density: "dense", lists: denseLists, most: 500 },
    { density: "sparse", lists: sparseLists, most: 5_000 },
  ])("a $density list:", ({ lists, most }) => {
    test.for(lists)("%s", async ([, filter], { annotate }) => {
      for (const place of places) {
        const request = await beginAt(filter, place);
        if (!request) return;
        const { answer, buffers, statements } = await stage.meter.measure(() => list(request));
        succeeded(answer);
        await annotate(`${buffers} buffers from place ${place ?? 0} on`);
        expect(buffers, statements.join("\n")).toBeGreaterThan(0);
        expect(buffers, statements.join("\n")).toBeLessThanOrEqual(most);
      }
    });
  });

  testCalls(() => stage);
  testLookups(() => stage);
});

test("the meter counts a whole table that is read, and nothing for no read", async () => {
  const [table] = await stage.database.query<{ pages: number }>(
    "SELECT (pg_relation_size('concerts') / current_setting('block_size')::int)::int AS pages",
  );
  const scan = await stage.meter.measure(() => stage.database.query("SELECT FROM concerts WHERE price < 0"));
  expect(scan.buffers).toBeGreaterThanOrEqual(table?.pages ?? Number.NaN);

  // Once a second the service reads which concerts have holds that are due.
  const readNothing = () => stage.meter.measure(() => stage.database.query("SELECT pg_is_in_recovery()"));
  await vi.waitFor(async () => expect((await readNothing()).buffers).toBe(0), { timeout: 20_000 });
});

testWalks(() => stage);
testHotUpdates(() => stage);

const list = (request: Filter) => stage.client.call(ConcertService.method.listConcerts, request, uncached);

/** The same list, begun at a place; undefined if the list has no second page. */
async function beginAt(filter: Filter, place: number | undefined): Promise<Filter | undefined> {
  if (place === undefined) return filter;
  const { nextPageToken } = succeeded(await list({ ...filter, pageSize: 1 }));
  return nextPageToken ? { ...filter, pageToken: moveToken(nextPageToken, dateAt(place).toString(), "1") } : undefined;
}

/** Half of them go to one day, which by the statistics has 144 concerts, half of them before all others. */
async function moveConcerts(): Promise<void> {
  await stage.session.query(`
    UPDATE concerts SET concert_date = CASE WHEN id % 100 = 0
      THEN timestamptz '2020-06-15 00:00Z' + id / 100 % 24 * interval '1 hour'
      ELSE timestamptz '2014-12-31 12:00Z' + id / 100 % 12 * interval '1 hour' END
    WHERE id % 50 = 0`);
}

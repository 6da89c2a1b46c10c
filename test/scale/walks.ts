import { describe, expect, test } from "vitest";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { succeeded } from "../support/protocols/outcomes.ts";
import { timestamp } from "../support/service/stage.ts";
import { type Filter, fortnight } from "./lists.ts";
import { concertCount, dateAt, lastTexts, placesOnSale } from "./load.ts";
import type { ScaleStage } from "./stage.ts";

const saleEnd = dateAt(placesOnSale);
const fromTheFirst = { dateFrom: timestamp("2010-01-01T00:00:00Z") };
const lateDate = dateAt(concertCount - 200_000);

/** More than it takes to look through all concerts. */
const maxCalls = 1_000;

/** Filters, and what they say in plain SQL. */
const walks: readonly (readonly [what: string, filter: Filter, sql: string])[] = [
  [
    "available after the sale",
    { availableOnly: true, dateFrom: timestamp(saleEnd.toString()) },
    `available_tickets > 0 AND concert_date >= '${saleEnd}'`,
  ],
  [
    "a name of 2,500, in the last years",
    { name: "QUIXOTRY", dateFrom: timestamp(lateDate.toString()) },
    `strpos(name, 'quixotry') > 0 AND concert_date >= '${lateDate}'`,
  ],
  ["a word of 405 that begins with a letter", { name: "Z", ...fromTheFirst }, "name ~ ' z'"],
  ["a name of 400", { name: "kwyjibo", ...fromTheFirst }, "strpos(name, 'kwyjibo') > 0"],
  ["the last concert", { name: lastTexts[0], ...fromTheFirst }, `strpos(name, '${lastTexts[0]}') > 0`],
  [
    "the last concert, without letters",
    { name: lastTexts[1], dateFrom: timestamp(lateDate.toString()) },
    `strpos(name, '${lastTexts[1]}') > 0`,
  ],
  [
    "a percent sign, in a fortnight",
    { name: "100% l", ...fortnight },
    "strpos(name, '100% L') > 0 AND concert_date >= '2020-06-08' AND concert_date < '2020-06-22'",
  ],
  [
    "open, of a name and an artist",
    { name: "KWY", artist: "the ", bookingOpenOnly: true, ...fromTheFirst },
    "strpos(name, 'kwy') > 0 AND starts_with(artist, 'The ') AND booking_end_time > now()",
  ],
];

/** Defines tests that go through lists page by page. */
export function testWalks(stage: () => ScaleStage): void {
  describe("the pages of a list have every match once, in order:", () => {
    test.for(walks)("%s", { timeout: 120_000 }, async ([, filter, sql], { annotate }) => {
      const expected = await stage().database.query<{ id: string }>(
        `SELECT id::text FROM concerts WHERE ${sql} ORDER BY concert_date, concerts.id`,
      );
      const found: { id: string }[] = [];
      let calls = 0;
      let pageToken = "";
      do {
        const request = { ...filter, pageSize: 100, pageToken };
        const page = succeeded(await stage().client.call(ConcertService.method.listConcerts, request));
        found.push(...page.concerts.map(({ id }) => ({ id: String(id) })));
        pageToken = page.nextPageToken;
        calls++;
      } while (pageToken !== "" && calls < maxCalls);
      expect(expected.length).toBeGreaterThan(0);
      expect(found).toEqual(expected);
      await annotate(`${found.length} concerts by ${calls} calls`);
    });
  });
}

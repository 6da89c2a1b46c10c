import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { atMost, badToken, between, filterCases, pageCases } from "../support/scenario/rules.ts";
import { defineScenario, invalid, invalidArgument, query } from "../support/scenario/scenario.ts";
import { concertJson } from "../support/scenario/stored-json.ts";
import { moonlight, timestamp } from "../support/service/stage.ts";

const earlier = { concertDate: timestamp("2098-06-01T20:00:00.25Z") };
const dates = { dateFrom: timestamp("2098-06-01T20:00:00.25Z"), dateTo: timestamp("2099-06-01T20:00:00.000001Z") };

export const scenario = defineScenario(ConcertService.method.listConcerts, {
  rest: (request) => ({ method: "GET", path: `/api/v1/concerts${query(request)}` }),
  right: () => ({}),

  successes: [
    {
      what: "returns two pages of the concerts that match, and an empty page if none does",
      async run(call, { stage, database }) {
        const venue = `The ${randomUUID()}`;
        const [second, first] = [await stage.concert({ venue }), await stage.concert({ venue, ...earlier })];
        const bodies = [
          await concertJson(database, first.id, { venue, concert_date: "2098-06-01T20:00:00.250Z" }),
          await concertJson(database, second.id, { venue }),
        ];
        const filter = { venue, availableOnly: true, bookingOpenOnly: true, ...dates };
        const page = await call({ ...filter, pageSize: 1 }, () => ({
          body: { concerts: [bodies[0]], next_page_token: expect.stringMatching(/^[\w-]+$/) },
        }));
        const { nextPageToken: pageToken } = page;
        await call({ ...filter, pageToken }, () => ({ body: { concerts: [bodies[1]], next_page_token: "" } }));
        await call({ venue: `not ${venue}` }, () => ({ body: { concerts: [], next_page_token: "" } }));
      },
    },
    {
      what: "keeps a concert whose last tickets are held off the available ones",
      async run(call, { stage, database }) {
        const venue = `The ${randomUUID()}`;
        const rules = { totalTickets: 3, maxTicketsPerUser: 4, requiresPayment: true };
        const concert = await stage.concert({ venue, ...rules });
        await stage.hold(concert, { ticketCount: 3 });
        const body = await concertJson(database, concert.id, {
          ...{ venue, total_tickets: 3, available_tickets: 0, held_tickets: 3 },
          ...{ max_tickets_per_user: 4, requires_payment: true },
        });
        await call({ venue }, () => ({ body: { concerts: [body], next_page_token: "" } }));
        await call({ venue, availableOnly: true }, () => ({ body: { concerts: [], next_page_token: "" } }));
      },
    },
  ],

  refusals: [
    {
      reason: "INVALID_PAGE_TOKEN",
      answer: invalidArgument,
      when: "the token is made up",
      arrange: () => ({ request: { pageToken: "made-up" }, message: badToken }),
    },
    {
      reason: "INVALID_PAGE_TOKEN",
      answer: invalidArgument,
      when: "the token is from a list with other filters",
      async arrange({ stage }) {
        const venue = `The ${randomUUID()}`;
        for (const _ of [1, 2]) await stage.concert({ venue });
        const page = await stage.call(ConcertService.method.listConcerts, { venue, pageSize: 1 });
        const { nextPageToken: pageToken } = page;
        expect(pageToken).not.toBe("");
        return { request: { venue, pageToken, availableOnly: true }, message: badToken };
      },
    },
    invalid(
      "every filter is wrong",
      { pageSize: 101, artist: "a".repeat(101), dateFrom: moonlight.concertDate, dateTo: moonlight.concertDate },
      [
        ["page_size", between("0", "100")],
        ["artist", atMost(100)],
        ["", "date_to must be after date_from"],
      ],
    ),
  ],

  permissions: [
    {
      what: "",
      answers: {
        anonymous: "ok",
        nora: "ok",
        otto: "ok",
        organizer: "ok",
        admin: "ok",
        reader: "ok",
        writer: "ok",
        shop: "ok",
      },
      request: () => ({}),
      check: ({ concerts }) => expect(concerts).not.toEqual([]),
    },
  ],

  rules: [
    ...pageCases(),
    ...["artist", "venue", "name"].flatMap(filterCases),
    ...["2030-01-01T00:00:00Z", "2029-12-31T23:59:59Z"].map((end) => ({
      rule: "cel date_range",
      changes: { date_from: "2030-01-01T00:00:00Z", date_to: end },
      violations: [{ field: "", message: "date_to must be after date_from" }],
    })),
  ],

  variations: {
    page_size: [0, 1, 2, 5],
    available_only: [true, false],
    booking_open_only: [true, false],
    artist: ["lark"],
    venue: ["old mill"],
    name: ["moon"],
    date_from: ["2021-05-01T10:00:00Z", "2050-05-01T10:00:00Z", "2098-05-01T10:00:00Z"],
    date_to: ["2099-12-31T00:00:00Z"],
  },
});

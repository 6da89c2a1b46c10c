import { expect } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { expire } from "../support/scenario/holds.ts";
import { badToken, between, idCases, notPositive, pageCases, statusesCases } from "../support/scenario/rules.ts";
import { defineScenario, invalid, invalidArgument, notFound, query, unusedId } from "../support/scenario/scenario.ts";
import { bookingJson } from "../support/scenario/stored-json.ts";
import { userId } from "../support/service/stage.ts";

const { listConcertBookings, releaseHold } = BookingService.method;

export const scenario = defineScenario(listConcertBookings, {
  rest: ({ concert_id, ...others }) => ({
    method: "GET",
    path: `/api/v1/concerts/${concert_id}/bookings${query(others)}`,
  }),
  right: ({ concert }) => ({ concertId: concert.id }),

  successes: [
    {
      what: "returns two pages of bookings of all users and statuses, the newest first, and those of some statuses",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        const { id: concertId } = concert;
        const { id: cancelled } = await stage.cancel(await stage.booking(concert));
        const { id: expired } = await expire({ stage, database }, await stage.hold(concert));
        const { id: released } = await stage.hold(concert);
        await stage.call(releaseHold, { id: released, userId });
        const { id: confirmed } = await stage.booking(concert, { userId: "otto" });
        const { id: held } = await stage.hold(concert);
        const all = await Promise.all([
          bookingJson(database, held, concertId, { status: "BOOKING_STATUS_HELD" }),
          bookingJson(database, confirmed, concertId, { user_id: "otto" }),
          bookingJson(database, released, concertId, { status: "BOOKING_STATUS_RELEASED" }),
          bookingJson(database, expired, concertId, { status: "BOOKING_STATUS_EXPIRED" }),
          bookingJson(database, cancelled, concertId, { status: "BOOKING_STATUS_CANCELLED" }),
        ]);
        const page = await call({ concertId, pageSize: 3 }, () => ({
          body: { bookings: all.slice(0, 3), next_page_token: expect.stringMatching(/^[\w-]+$/) },
        }));
        const { nextPageToken: pageToken } = page;
        await call({ concertId, pageToken }, () => ({ body: { bookings: all.slice(3), next_page_token: "" } }));
        await call({ concertId, statuses: [BookingStatus.CONFIRMED, BookingStatus.HELD] }, () => ({
          body: { bookings: all.slice(0, 2), next_page_token: "" },
        }));
      },
    },
    {
      what: "returns an empty page for a concert without bookings",
      async run(call, { stage }) {
        const { id: concertId } = await stage.concert();
        await call({ concertId }, () => ({ body: { bookings: [], next_page_token: "" } }));
      },
    },
  ],

  refusals: [
    {
      reason: "CONCERT_NOT_FOUND",
      answer: notFound,
      when: "the concert does not exist",
      arrange: () => ({ request: { concertId: unusedId }, message: `there is no concert ${unusedId}` }),
    },
    {
      reason: "INVALID_PAGE_TOKEN",
      answer: invalidArgument,
      when: "the token is made up",
      async arrange({ stage }) {
        return { request: { concertId: (await stage.concert()).id, pageToken: "made-up" }, message: badToken };
      },
    },
    {
      reason: "INVALID_PAGE_TOKEN",
      answer: invalidArgument,
      when: "the token is from another concert's list",
      async arrange({ stage }) {
        const concert = await stage.concert();
        for (const _ of [1, 2]) await stage.booking(concert);
        const { nextPageToken } = await stage.call(listConcertBookings, { concertId: concert.id, pageSize: 1 });
        expect(nextPageToken).not.toBe("");
        const { id: concertId } = await stage.concert();
        return { request: { concertId, pageToken: nextPageToken }, message: badToken };
      },
    },
    {
      reason: "INVALID_PAGE_TOKEN",
      answer: invalidArgument,
      when: "the token is from a list with other statuses",
      async arrange({ stage }) {
        const concert = await stage.concert();
        for (const _ of [1, 2]) await stage.booking(concert);
        const { id: concertId } = concert;
        const { nextPageToken } = await stage.call(listConcertBookings, { concertId, pageSize: 1 });
        expect(nextPageToken).not.toBe("");
        const request = { concertId, pageToken: nextPageToken, statuses: [BookingStatus.CONFIRMED] };
        return { request, message: badToken };
      },
    },
    invalid("the concert and the page break rules", { concertId: -1n, pageSize: 101 }, [
      ["concert_id", notPositive],
      ["page_size", between("0", "100")],
    ]),
  ],

  permissions: [
    {
      what: "",
      answers: {
        ...{ anonymous: "token", nora: "adminOnly", otto: "adminOnly", organizer: "adminOnly" },
        ...{ admin: "ok", reader: "adminOnly", writer: "adminOnly", shop: "adminOnly" },
      },
      request: ({ concert }) => ({ concertId: concert.id }),
      check: ({ bookings }) => expect(bookings).not.toEqual([]),
    },
  ],

  rules: [...idCases("concert_id"), ...pageCases(), ...statusesCases()],
  accepts: [
    ["a page of the default size", { page_size: 0 }, { bookings: expect.any(Array) }],
    ["a page of a hundred bookings", { page_size: 100 }, { bookings: expect.any(Array) }],
    ["a status twice", { statuses: new Array(10).fill("BOOKING_STATUS_HELD") }, { bookings: [] }],
  ],
  variations: {
    page_size: [0, 1, 2, 5],
    statuses: [[], ["BOOKING_STATUS_HELD"], ["BOOKING_STATUS_CONFIRMED", "BOOKING_STATUS_CANCELLED"], [1, 2, 3, 4, 5]],
  },
});

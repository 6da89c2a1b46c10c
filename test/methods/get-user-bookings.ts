import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { expire } from "../support/scenario/holds.ts";
import type { Caller, Word } from "../support/scenario/permissions.ts";
import {
  badToken,
  between,
  pageCases,
  statuses,
  statusesCases,
  userIdCases,
  userIdPolicies,
} from "../support/scenario/rules.ts";
import { defineScenario, invalid, invalidArgument, query } from "../support/scenario/scenario.ts";
import { bookingJson } from "../support/scenario/stored-json.ts";
import { userId } from "../support/service/stage.ts";

const { getUserBookings } = BookingService.method;

/** A list of a user's bookings. An empty user is the caller. */
const listOf = (what: string, userId: string, answers: Readonly<Record<Caller, Word>>) => ({
  what,
  answers,
  request: () => ({ userId }),
  check({ bookings }: { bookings: { userId: string }[] }, caller: string) {
    const owner = userId || caller;
    expect(bookings.filter((booking) => booking.userId !== owner)).toEqual([]);
    if (owner !== "ada") expect(bookings).not.toEqual([]);
  },
});

export const scenario = defineScenario(getUserBookings, {
  rest: ({ user_id, ...others }) => ({
    method: "GET",
    path: `/api/v1/bookings${query({ userID: user_id, ...others })}`,
  }),
  right: () => ({ userId }),

  successes: [
    {
      what: "returns two pages, the newest booking first, and an empty page for a user without bookings",
      async run(call, { stage, database }) {
        const user_id = `user ${randomUUID()}`;
        const concert = await stage.concert();
        const older = await stage.cancel(await stage.booking(concert, { userId: user_id }));
        const newer = await stage.booking(concert, { userId: user_id });
        const bodies = [
          await bookingJson(database, newer.id, concert.id, { user_id }),
          await bookingJson(database, older.id, concert.id, { user_id, status: "BOOKING_STATUS_CANCELLED" }),
        ];
        const page = await call({ userId: user_id, pageSize: 1 }, () => ({
          body: { bookings: [bodies[0]], next_page_token: expect.stringMatching(/^[\w-]+$/) },
        }));
        const { nextPageToken: pageToken } = page;
        await call({ userId: user_id, pageToken }, () => ({ body: { bookings: [bodies[1]], next_page_token: "" } }));
        await call({ userId: randomUUID() }, () => ({ body: { bookings: [], next_page_token: "" } }));
      },
    },
    {
      what: "returns bookings of the statuses that the request has, and otherwise no holds",
      async run(call, { stage, database }) {
        const user_id = `user ${randomUUID()}`;
        const concert = await stage.concert();
        const confirmed = await stage.booking(concert, { userId: user_id });
        const expired = await expire({ stage, database }, await stage.hold(concert, { userId: user_id }));
        const held = await stage.hold(concert, { userId: user_id });
        const bodies = [
          await bookingJson(database, held.id, concert.id, { user_id, status: "BOOKING_STATUS_HELD" }),
          await bookingJson(database, expired.id, concert.id, { user_id, status: "BOOKING_STATUS_EXPIRED" }),
          await bookingJson(database, confirmed.id, concert.id, { user_id }),
        ];
        await call({ userId: user_id }, () => ({ body: { bookings: bodies.slice(2), next_page_token: "" } }));
        const holds = [BookingStatus.EXPIRED, BookingStatus.HELD];
        const page = await call({ userId: user_id, statuses: holds, pageSize: 1 }, () => ({
          body: { bookings: bodies.slice(0, 1), next_page_token: expect.stringMatching(/^[\w-]+$/) },
        }));
        // The same statuses in another order, and one of them twice.
        const statuses = [BookingStatus.HELD, BookingStatus.EXPIRED, BookingStatus.HELD];
        await call({ userId: user_id, statuses, pageToken: page.nextPageToken }, () => ({
          body: { bookings: bodies.slice(1, 2), next_page_token: "" },
        }));
      },
    },
  ],

  refusals: [
    {
      reason: "INVALID_PAGE_TOKEN",
      answer: invalidArgument,
      when: "the token is made up",
      arrange: () => ({ request: { userId, pageToken: "made-up" }, message: badToken }),
    },
    {
      reason: "INVALID_PAGE_TOKEN",
      answer: invalidArgument,
      when: "the token is from another user's list",
      async arrange({ stage }) {
        const concert = await stage.concert();
        for (const _ of [1, 2]) await stage.booking(concert);
        const { nextPageToken: pageToken } = await stage.call(getUserBookings, { userId, pageSize: 1 });
        expect(pageToken).not.toBe("");
        return { request: { userId: "a stranger", pageToken }, message: badToken };
      },
    },
    {
      reason: "INVALID_PAGE_TOKEN",
      answer: invalidArgument,
      when: "the token is from a list with other statuses",
      async arrange({ stage }) {
        const concert = await stage.concert();
        for (const _ of [1, 2]) await stage.booking(concert);
        const { nextPageToken: pageToken } = await stage.call(getUserBookings, { userId, pageSize: 1 });
        expect(pageToken).not.toBe("");
        return { request: { userId, pageToken, statuses: [BookingStatus.CONFIRMED] }, message: badToken };
      },
    },
    invalid("the user is missing", {}, [["user_id", "is required"]]),
    invalid("the page is too large", { userId, pageSize: 101 }, [["page_size", between("0", "100")]]),
  ],

  permissions: [
    listOf("of the caller", "", {
      ...{ anonymous: "token", nora: "ok", otto: "ok", organizer: "read" },
      ...{ admin: "ok", reader: "ok", writer: "read", shop: "read" },
    }),
    listOf("of nora", "nora", {
      ...{ anonymous: "token", nora: "ok", otto: "admin", organizer: "read" },
      ...{ admin: "ok", reader: "ok", writer: "read", shop: "read" },
    }),
    listOf("of otto", "otto", {
      ...{ anonymous: "token", nora: "admin", otto: "ok", organizer: "read" },
      ...{ admin: "ok", reader: "admin", writer: "read", shop: "read" },
    }),
  ],

  rules: [...userIdCases(), ...pageCases(), ...statusesCases()],
  policies: userIdPolicies(),
  accepts: [
    ["a page of the default size", { page_size: 0 }, { bookings: expect.any(Array) }],
    ["a page of one booking", { page_size: 1 }, { bookings: [expect.anything()] }],
    ["a page of a hundred bookings", { page_size: 100 }, { bookings: expect.any(Array) }],
    ["all statuses", { statuses }, { bookings: expect.any(Array) }],
    ["ten statuses", { statuses: [...statuses, ...statuses] }, { bookings: expect.any(Array) }],
    ["a user without bookings", { user_id: "%" }, { bookings: [], next_page_token: "" }],
  ],
  variations: {
    user_id: ["nora", "nick"],
    page_size: [0, 1, 2, 5],
    statuses: [[], ["BOOKING_STATUS_HELD"], ["BOOKING_STATUS_EXPIRED", "BOOKING_STATUS_RELEASED"], [1, 2, 3, 4, 5]],
  },
});

import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import {
  brokenDescription,
  brokenFields,
  centsInYen,
  centsRule,
  currencyPolicies,
  currencyRule,
  descriptionCases,
  dinars,
  emptyWindow,
  ruleVariations,
  windowRule,
} from "../support/scenario/concert-cases.ts";
import { notBlank, notUuid, requestIdCases, requestIdPolicies, required } from "../support/scenario/rules.ts";
import { defineScenario, invalid, invalidArgument, keyed } from "../support/scenario/scenario.ts";
import { concertJson } from "../support/scenario/stored-json.ts";
import { moonlight } from "../support/service/stage.ts";

const [longText, astralText] = ["x".repeat(255), "🎸".repeat(255)];

export const scenario = defineScenario(ConcertService.method.createConcert, {
  rest: (body) => ({ method: "POST", path: "/api/v1/concerts", body }),
  right: () => moonlight,

  successes: [
    {
      what: "returns a concert, and the same concert when its request_id is repeated",
      async run(call, { stage, database, protocol }) {
        const [key, options] = keyed(protocol, randomUUID());
        const created = await call(
          { ...moonlight, ...key },
          async ({ id }) => ({ body: await concertJson(database, id), location: `/api/v1/concerts/${id}` }),
          options,
        );
        await stage.booking(created);
        const body = await concertJson(database, created.id, { available_tickets: 98 });
        const replay = { body, location: `/api/v1/concerts/${created.id}`, replayed: true };
        await call({ ...moonlight, ...key }, () => replay, options);
      },
    },
    {
      what: "takes US dollars for a concert without a currency",
      run: (call, { database }) =>
        call({ ...moonlight, currencyCode: "" }, async ({ id }) => ({
          body: await concertJson(database, id, { currency_code: "USD" }),
          location: `/api/v1/concerts/${id}`,
        })),
    },
    {
      what: "returns a concert with a limit per user that requires payment",
      run: (call, { database }) =>
        call({ ...moonlight, maxTicketsPerUser: 4, requiresPayment: true }, async ({ id }) => ({
          body: await concertJson(database, id, { max_tickets_per_user: 4, requires_payment: true }),
          location: `/api/v1/concerts/${id}`,
        })),
    },
  ],

  refusals: [
    {
      reason: "REQUEST_ID_REUSED",
      answer: invalidArgument,
      when: "another concert has the request_id",
      async arrange({ stage }) {
        const requestId = randomUUID();
        await stage.concert({ requestId });
        return {
          request: { ...moonlight, requestId, price: 50 },
          message: "this request_id was used before with other content; use a new one for a new request",
        };
      },
    },
    {
      reason: "REQUEST_ID_REUSED",
      answer: invalidArgument,
      when: "a concert without a limit per user has the request_id",
      async arrange({ stage }) {
        const requestId = randomUUID();
        await stage.concert({ requestId });
        return {
          request: { ...moonlight, requestId, maxTicketsPerUser: 4 },
          message: "this request_id was used before with other content; use a new one for a new request",
        };
      },
    },
    invalid("the request is empty", {}, [
      ...["name", "artist", "venue"].map((field) => [field, notBlank] as const),
      ...["concert_date", "total_tickets", "price", "booking_start_time", "booking_end_time"].map(
        (field) => [field, required] as const,
      ),
    ]),
    invalid("the description breaks rules", { ...brokenDescription, requestId: "42" }, [
      ["request_id", notUuid],
      ...brokenFields,
    ]),
    invalid("booking ends as it starts", emptyWindow, windowRule),
    invalid("the price has cents and the currency has none", centsInYen, centsRule),
    invalid("the currency has more than two decimals", dinars, currencyRule),
  ],

  permissions: [
    {
      what: "",
      answers: {
        ...{ anonymous: "token", nora: "concerts", otto: "concerts", organizer: "ok" },
        ...{ admin: "concerts", reader: "concerts", writer: "concerts", shop: "concerts" },
      },
      request: () => moonlight,
      check: ({ name }) => expect(name).toBe(moonlight.name),
    },
  ],

  rules: [...requestIdCases(), ...descriptionCases()],
  policies: [...currencyPolicies(), ...requestIdPolicies()],

  accepts: [
    ...same("texts of one character", { name: "x", artist: "🎸", venue: "é" }),
    ...same("texts of 255 characters, also outside the basic plane", {
      ...{ name: longText, artist: astralText, venue: longText },
    }),
    ...same("texts in any script", { name: "שלום", artist: "é\u200d\u{1f469}\u200d\u{1f3a4}", venue: "\ufeff音楽堂" }),
    ["decomposed letters, composed", { name: "e\u0301", artist: "\u1100\u1161" }, { name: "é", artist: "가" }],
    ...same("U+FFFD, if that is what was sent", { name: "\ufffd" }),
    ...same("control characters", { name: "a\u0001\r\n\tb" }),
    ...same("spaces around a text", { name: "  Moonlight  " }),
    ...same("quotes and SQL", { name: "'; DROP TABLE concerts; --", artist: '"\\', venue: "$1 :x" }),
    ...same("one ticket", { total_tickets: 1 }),
    ...same("ten million tickets", { total_tickets: 10_000_000 }),
    ...same("one ticket for each user", { max_tickets_per_user: 1 }),
    ...same("ten million tickets for each user", { max_tickets_per_user: 10_000_000 }),
    ...same("no limit per user", { max_tickets_per_user: 0 }),
    ...same("a limit per user above the total", { total_tickets: 1, max_tickets_per_user: 2 }),
    ...same("payment that is required", { requires_payment: true }),
    ...same("payment that is not required", { requires_payment: false }),
    ...same("no price", { price: 0 }),
    ["minus zero", { price: "-0" }, { price: 0 }],
    ...same("a cent", { price: 0.01 }),
    ...same("29 cents", { price: 0.29 }),
    ...same("the highest price", { price: 99_999_999.99 }),
    ...same("a cent less", { price: 99_999_999.98 }),
    ["a price as text", { price: "1e2" }, { price: 100 }],
    ["no currency", { currency_code: undefined }, { currency_code: "USD" }],
    ["an empty currency", { currency_code: "" }, { currency_code: "USD" }],
    ...same("a currency shown without its decimals", { currency_code: "HUF" }),
    ...same("a price in yen", { currency_code: "JPY", price: 1_200 }),
    ...same("the highest price in won", { currency_code: "KRW", price: 99_999_999 }),
    ...same("the year 1", { concert_date: "0001-01-01T00:00:00Z" }),
    ...dated("the last instant", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"),
    ...dated("nanoseconds, cut", "2030-01-01T00:00:00.123456789Z", "2030-01-01T00:00:00.123456Z"),
    ...dated("nanoseconds before 1970", "1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999Z"),
    ...dated("another offset", "2030-01-01T00:00:00+05:30", "2029-12-31T18:30:00Z"),
    ...same("a leap day", { concert_date: "2028-02-29T12:00:00Z" }),
    ...same("a window of a microsecond", {
      booking_start_time: "2020-05-01T10:00:00Z",
      booking_end_time: "2020-05-01T10:00:00.000001Z",
    }),
    ...same("a window of all time", {
      booking_start_time: "0001-01-01T00:00:00Z",
      booking_end_time: "9999-12-31T23:59:59Z",
    }),
  ],
  variations: ruleVariations,
});

function same(what: string, changes: Record<string, string | number | boolean>) {
  return [[what, changes, changes]] as const;
}

function dated(what: string, sent: string, stored: string) {
  return [[what, { concert_date: sent }, { concert_date: stored }]] as const;
}

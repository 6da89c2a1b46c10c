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
import { breaks, idCases, notPositive, required } from "../support/scenario/rules.ts";
import {
  aborted,
  defineScenario,
  failedPrecondition,
  invalid,
  notFound,
  unusedId,
} from "../support/scenario/scenario.ts";
import { concertJson } from "../support/scenario/stored-json.ts";
import { moonlight } from "../support/service/stage.ts";

const atLeastOne = "must be greater than or equal to 1";

export const scenario = defineScenario(ConcertService.method.updateConcert, {
  rest: ({ id, ...body }) => ({ method: "PUT", path: `/api/v1/concerts/${id}`, body }),
  right: ({ concert: { id, version } }) => ({ ...moonlight, id, version }),

  successes: [
    {
      what: "returns the whole description with its next version",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        await stage.booking(concert);
        const changes = { name: "Daybreak", totalTickets: 90, price: 0.29, currencyCode: "USD" };
        await call({ ...moonlight, ...changes, id: concert.id, version: 1 }, async () => ({
          body: await concertJson(database, concert.id, {
            name: "Daybreak",
            price: 0.29,
            currency_code: "USD",
            total_tickets: 90,
            available_tickets: 88,
            version: 2,
          }),
        }));
      },
    },
    {
      what: "leaves the limit per user and the need to pay as they are unless the request has them",
      async run(call, { stage, database }) {
        const rules = { maxTicketsPerUser: 4, requiresPayment: true };
        const { id } = await stage.concert(rules);
        const body = (version: number, changes: object) =>
          concertJson(database, id, { version, max_tickets_per_user: 4, requires_payment: true, ...changes });
        await call({ ...moonlight, id, version: 1, name: "Daybreak" }, async () => ({
          body: await body(2, { name: "Daybreak" }),
        }));
        const free = { max_tickets_per_user: 4, requires_payment: false };
        await call({ ...moonlight, id, version: 2, requiresPayment: false }, async () => ({
          body: await body(3, free),
        }));
        const unlimited = { max_tickets_per_user: 0, requires_payment: false };
        await call({ ...moonlight, id, version: 3, maxTicketsPerUser: 0 }, async () => ({
          body: await body(4, unlimited),
        }));
        await call({ ...moonlight, id, version: 4, ...rules }, async () => ({ body: await body(5, {}) }));
      },
    },
    {
      what: "sets a limit per user below what a user has, and takes no tickets",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        await stage.booking(concert);
        await call({ ...moonlight, id: concert.id, version: 1, maxTicketsPerUser: 1 }, async () => ({
          body: await concertJson(database, concert.id, {
            available_tickets: 98,
            max_tickets_per_user: 1,
            version: 2,
          }),
        }));
      },
    },
    {
      what: "lowers the total to the tickets sold and held",
      async run(call, { stage, database }) {
        const concert = await stage.concert();
        await stage.booking(concert);
        await stage.hold(concert, { ticketCount: 3 });
        await call({ ...moonlight, totalTickets: 5, id: concert.id, version: 1 }, async () => ({
          body: await concertJson(database, concert.id, {
            ...{ total_tickets: 5, available_tickets: 0, held_tickets: 3, version: 2 },
          }),
        }));
      },
    },
  ],

  refusals: [
    {
      reason: "CONCERT_NOT_FOUND",
      answer: notFound,
      when: "the concert does not exist",
      arrange: () => ({
        request: { ...moonlight, id: unusedId, version: 1 },
        message: `there is no concert ${unusedId}`,
      }),
    },
    {
      reason: "VERSION_MISMATCH",
      answer: aborted,
      when: "the request is based on an older version",
      async arrange({ stage }) {
        const { id } = await stage.concert();
        await stage.call(ConcertService.method.updateConcert, { ...moonlight, id, version: 1 });
        return {
          request: { ...moonlight, id, version: 1 },
          message: "the concert has been updated since: its version is 2; read it again and repeat",
          metadata: { current_version: "2" },
        };
      },
    },
    {
      reason: "TOTAL_BELOW_SOLD",
      answer: failedPrecondition,
      when: "more tickets are sold than the new total",
      async arrange({ stage }) {
        const concert = await stage.concert();
        await stage.booking(concert);
        return {
          request: { ...moonlight, totalTickets: 1, id: concert.id, version: 1 },
          message: "total_tickets cannot fall below the tickets sold (2) and held (0)",
          metadata: { sold: "2", held: "0" },
        };
      },
    },
    {
      reason: "TOTAL_BELOW_SOLD",
      answer: failedPrecondition,
      when: "more tickets are sold and held than the new total",
      async arrange({ stage }) {
        const concert = await stage.concert();
        await stage.booking(concert);
        await stage.hold(concert, { ticketCount: 3 });
        return {
          request: { ...moonlight, totalTickets: 4, id: concert.id, version: 1 },
          message: "total_tickets cannot fall below the tickets sold (2) and held (3)",
          metadata: { sold: "2", held: "3" },
        };
      },
    },
    invalid("the description breaks rules", { ...brokenDescription, id: -1n, version: 0 }, [
      ["id", notPositive],
      ["version", atLeastOne],
      ...brokenFields,
    ]),
    invalid("the version is missing", { ...moonlight, id: 1n }, [["version", required]]),
    invalid("booking ends as it starts", { ...emptyWindow, id: 1n, version: 1 }, windowRule),
    invalid("the price has cents and the currency has none", { ...centsInYen, id: 1n, version: 1 }, centsRule),
    invalid("the currency has more than two decimals", { ...dinars, id: 1n, version: 1 }, currencyRule),
  ],

  permissions: [
    {
      what: "",
      answers: {
        ...{ anonymous: "token", nora: "concerts", otto: "concerts", organizer: "ok" },
        ...{ admin: "concerts", reader: "concerts", writer: "concerts", shop: "concerts" },
      },
      request: async ({ stage }) => ({ ...moonlight, id: (await stage.concert()).id, version: 1 }),
      check: ({ version }) => expect(version).toBe(2),
    },
  ],

  rules: [
    ...idCases(),
    breaks("version", "required", undefined, required),
    breaks("version", "int32.gte", 0, atLeastOne),
    ...descriptionCases(),
    breaks("currency_code", "string.pattern", "", "does not match regex pattern `^[A-Z]{3}$`"),
  ],
  policies: currencyPolicies(),
  variations: { ...ruleVariations, version: [1, 1, 2, 3], price: [0, 0.29, 12.5, 99.99] },
});

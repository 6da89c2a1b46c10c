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
          message: "total_tickets cannot fall below the 2 tickets sold",
          metadata: { sold: "2" },
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
  variations: { version: [1, 1, 2, 3], price: [0, 0.29, 12.5, 99.99] },
});

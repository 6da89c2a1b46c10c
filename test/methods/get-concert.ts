import { expect } from "vitest";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { idCases, notPositive } from "../support/scenario/rules.ts";
import { defineScenario, invalid, notFound, unusedId } from "../support/scenario/scenario.ts";
import { concertJson } from "../support/scenario/stored-json.ts";

export const scenario = defineScenario(ConcertService.method.getConcert, {
  rest: ({ id }) => ({ method: "GET", path: `/api/v1/concerts/${id}` }),
  right: ({ concert }) => ({ id: concert.id }),

  successes: [
    {
      what: "returns a concert that is free and sold out, with its zeros",
      async run(call, { stage, database }) {
        const concert = await stage.concert({ price: 0, totalTickets: 2 });
        await stage.booking(concert);
        const body = await concertJson(database, concert.id, { price: 0, total_tickets: 2, available_tickets: 0 });
        await call({ id: concert.id }, () => ({ body }));
      },
    },
    {
      what: "returns a concert with its limit per user, its need to pay and its held tickets",
      async run(call, { stage, database }) {
        const concert = await stage.concert({ maxTicketsPerUser: 4, requiresPayment: true });
        const { id } = concert;
        await stage.hold(concert, { ticketCount: 3 });
        const rules = { max_tickets_per_user: 4, requires_payment: true };
        const body = await concertJson(database, id, { available_tickets: 97, held_tickets: 3, ...rules });
        await call({ id }, () => ({ body }));
      },
    },
  ],

  refusals: [
    {
      reason: "CONCERT_NOT_FOUND",
      answer: notFound,
      when: "the concert does not exist",
      arrange: () => ({ request: { id: unusedId }, message: `there is no concert ${unusedId}` }),
    },
    invalid("the id is negative", { id: -1n }, [["id", notPositive]]),
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
      request: ({ concert }) => ({ id: concert.id }),
      check: ({ id }, _, { concert }) => expect(id).toBe(concert.id),
    },
  ],

  rules: idCases(),
});

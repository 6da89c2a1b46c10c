/** The rules for tickets that a creation and an update have, and what they mean if they are unset or 0. */
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { CreateConcertRequestSchema, UpdateConcertRequestSchema } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { descriptionOf, descriptionUpdateOf, timestampMessage } from "./convert.ts";

const [start, end] = ["2099-05-01T20:00:00Z", "2099-06-01T20:00:00Z"].map((text) =>
  timestampMessage(Temporal.Instant.from(text)),
);
const texts = { name: "Moonlight", artist: "The Larks", venue: "Old Mill", currencyCode: "EUR" };
const times = { concertDate: end, bookingStartTime: start, bookingEndTime: end };
const request = { ...texts, ...times, totalTickets: 100, price: 50.25 } as const;
const limited = { maxTicketsPerUser: 4, requiresPayment: true };

test.each([
  [{}, { maxTicketsPerUser: undefined, requiresPayment: false }],
  [{ maxTicketsPerUser: 0 }, { maxTicketsPerUser: undefined, requiresPayment: false }],
  [limited, limited],
])("a creation with %o has %o", (rules, expected) => {
  const { maxTicketsPerUser, requiresPayment } = descriptionOf(
    create(CreateConcertRequestSchema, { ...request, ...rules } as typeof request),
  );
  expect({ maxTicketsPerUser, requiresPayment }).toEqual(expected);
});

test.each([
  [{}, { maxTicketsPerUser: undefined, requiresPayment: undefined }],
  [
    { maxTicketsPerUser: 0, requiresPayment: false },
    { maxTicketsPerUser: 0, requiresPayment: false },
  ],
  [limited, limited],
])("an update with %o has %o", (rules, expected) => {
  const { maxTicketsPerUser, requiresPayment } = descriptionUpdateOf(
    create(UpdateConcertRequestSchema, { ...request, ...rules } as typeof request),
  );
  expect({ maxTicketsPerUser, requiresPayment }).toEqual(expected);
});

/** Right requests of every method, for the generators to spoil. */
import type { DescMethodUnary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { Booking } from "../../../gen/frontrow/v1/booking_pb.ts";
import type { Concert } from "../../../gen/frontrow/v1/concert_pb.ts";
import { nameOf, rightJson, scenarios } from "../../methods/index.ts";
import type { JsonObject, Scenario } from "../scenario/scenario.ts";
import { restCall } from "../service/rest.ts";
import { createStage } from "../service/stage.ts";
import type { Members } from "./json-text.ts";

/** A method, and what to call it with. */
export interface Shape {
  /** Such as `ConcertService.GetConcert`. */
  readonly name: string;
  readonly method: DescMethodUnary;
  readonly fields: readonly string[];
  /** Requests that the service answers. */
  readonly right: fc.Arbitrary<Members>;
}

/** Each can be updated a few times, each time with the version after the last. */
const concertCount = 40;
/** Each booking can be cancelled once, and each hold confirmed or released once. */
const bookingCount = 80;

/** The shapes of all methods, for a service that it fills with something to ask for. */
export async function createShapes(baseUrl: string): Promise<ReadonlyMap<string, Shape>> {
  const stage = createStage(baseUrl);
  const times = (count: number) => Array.from({ length: count }, (_, index) => index);
  const concerts = await Promise.all(times(concertCount).map(() => stage.concert({ totalTickets: 10_000_000 })));
  const concertOf = (index: number) => concerts[index % concertCount] as Concert;
  const booked = await Promise.all(
    times(bookingCount).map(async (index) => ({
      concert: concertOf(index),
      booking: await stage.booking(concertOf(index), { ticketCount: 1 }),
    })),
  );
  /** Holds for each method: one method's requests end those that they name. */
  const newHolds = (name: string) =>
    Promise.all(booked.map(({ concert }) => stage.hold(concert, { userId: name, ticketCount: 2 })));
  const shapes = new Map<string, Shape>();
  for (const scenario of scenarios) {
    const name = nameOf(scenario.method);
    const holds = await newHolds(name);
    const right = booked.map((each, index) => rightJson(scenario, { ...each, hold: holds[index] as Booking }));
    shapes.set(name, shapeOf(scenario, right, await pageTokensOf(baseUrl, scenario, right[0] ?? {})));
  }
  return shapes;
}

/** Page tokens of a list, if the method is one. */
async function pageTokensOf(baseUrl: string, { method }: Scenario, right: JsonObject): Promise<readonly string[]> {
  if (!method.input.fields.some(({ name }) => name === "page_token")) return [];
  const { body } = await restCall(baseUrl, nameOf(method), { ...right, page_size: 2 });
  return ["", (body as { next_page_token: string }).next_page_token];
}

function shapeOf(scenario: Scenario, right: readonly JsonObject[], pageTokens: readonly string[]): Shape {
  const { method, variations = {} } = scenario;
  const fields = method.input.fields.map(({ name }) => name);
  const others: Record<string, fc.Arbitrary<unknown>> = {
    ...Object.fromEntries(Object.entries(variations).map(([name, values]) => [name, fc.constantFrom(...values)])),
    ...(pageTokens.length > 0 && { page_token: fc.constantFrom(...pageTokens) }),
    ...(fields.includes("request_id") && {
      request_id: fc.oneof({ weight: 3, arbitrary: fc.uuid() }, fc.constant("")),
    }),
  };
  const request = fc
    .tuple(fc.constantFrom(...right), fc.record(others, { requiredKeys: [] }))
    .map(
      ([usual, changes]): Members =>
        Object.entries({ ...usual, ...changes }).map(([key, value]) => [key, JSON.stringify(value)]),
    );
  return { name: nameOf(method), method, fields, right: request };
}

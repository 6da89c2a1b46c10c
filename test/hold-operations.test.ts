/** The queries about holds that docs/operations.md has. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Booking } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { documentedSql } from "./support/database/documented-sql.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, type Stage, userId } from "./support/service/stage.ts";

const { holdTickets, confirmHold } = BookingService.method;

let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService();
  stage = createStage(service.baseUrl);
});
afterAll(() => service?.close());

/** Runs the query of the page that has this text. */
const run = (text: string) => service.database.query(documentedSql(text));

async function hold(concertId: bigint): Promise<Booking> {
  return await stage.call(holdTickets, { concertId, userId, ticketCount: 2 });
}

/** Moves a booking and its hold's end to the past, which the service never does. */
const age = ({ id }: Booking) =>
  service.database.query("UPDATE bookings SET hold_expires_time = hold_expires_time - interval '1 day' WHERE id = $1", [
    id,
  ]);

test("counters that differ from the bookings are found", async () => {
  const concert = await stage.concert();
  await hold(concert.id);
  await stage.booking(concert);
  expect(await run("confirmed <> total_tickets")).toEqual([]);
  await service.database.query("UPDATE concerts SET held_tickets = 1 WHERE id = $1", [concert.id]);
  const found = { id: String(concert.id), available_tickets: 96, held_tickets: 1, confirmed: "2", held: "2" };
  expect(await run("confirmed <> total_tickets")).toMatchObject([found]);
  await service.database.query("UPDATE concerts SET held_tickets = 2 WHERE id = $1", [concert.id]);
});

test("holds that should have expired are found", async () => {
  expect(await run("interval '10 seconds'")).toEqual([]);
  // The sweeper does not see the row before the transaction has ended.
  const session = await service.database.connect();
  const held = await hold((await stage.concert()).id);
  await session.query("BEGIN");
  await session.query("UPDATE bookings SET hold_expires_time = now() - interval '1 hour' WHERE id = $1", [held.id]);
  const { rows } = await session.query(documentedSql("interval '10 seconds'"));
  await session.query("ROLLBACK");
  await session.end();
  expect(rows).toMatchObject([{ concert_id: String(held.concertId), count: "1" }]);
});

test("payments of several bookings, and late confirmations, are found", async () => {
  expect([await run("payment_reference, array_agg"), await run("AS confirmed_at")]).toEqual([[], []]);
  const holds = [await hold((await stage.concert()).id), await hold((await stage.concert()).id)];
  for (const { id } of holds) await stage.call(confirmHold, { id, userId, paymentReference: "pay-42" });
  const [first] = holds as [Booking];
  await age(first);
  expect(await run("payment_reference, array_agg")).toMatchObject([{ payment_reference: "pay-42" }]);
  expect(await run("AS confirmed_at")).toMatchObject([{ id: String(first.id), payment_reference: "pay-42" }]);
});

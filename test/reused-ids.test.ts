/**
 * After a failover to a lagging replica, or a restore, the sequence assigns ids again. A booking's owner must be read from
 * its row, never from what the process has seen earlier.
 */

import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { bearer, createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { succeeded, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, type Stage } from "./support/service/stage.ts";

const { getBooking, cancelBooking } = BookingService.method;
const scope = "bookings:read bookings:write";

let service: TestService;
/** A service without tokens on the same database, which makes the bookings. */
let open: TestService;
let stage: Stage;
let client: ProtocolClient;
let nora: { headers: Record<string, string> };
let otto: { headers: Record<string, string> };
let id: bigint;

beforeAll(async () => {
  const issuer = await createTokenIssuer();
  service = await startTestService(trusting(issuer));
  open = await startTestService({}, service.database);
  stage = createStage(open.baseUrl);
  client = createProtocolClient("Connect JSON", service.baseUrl);
  nora = { headers: bearer(await issuer.sign({ sub: "nora", scope })) };
  otto = { headers: bearer(await issuer.sign({ sub: "otto", scope })) };
});
afterAll(async () => {
  client.close();
  await open.close();
  await service.close();
});

beforeEach(async () => {
  ({ id } = await stage.booking(await stage.concert(), { userId: "nora", ticketCount: 2 }));
});

/** Deletes the booking and assigns its id to otto's booking of another concert. */
async function giveIdToOtto(): Promise<void> {
  const { id: concertId } = await stage.concert();
  const session = await service.database.connect();
  try {
    await session.query("BEGIN");
    await session.query(
      `UPDATE concerts SET available_tickets = total_tickets
       WHERE id = (SELECT concert_id FROM bookings WHERE id = $1)`,
      [id],
    );
    await session.query("DELETE FROM bookings WHERE id = $1", [id]);
    await session.query(
      `INSERT INTO bookings (id, concert_id, user_id, ticket_count, unit_price, total_price, currency_code,
         booking_time, request_id, booked_by)
       OVERRIDING SYSTEM VALUE
       VALUES ($1, $2, 'otto', 2, 50.25, 100.50, 'EUR', now(), gen_random_uuid(), 'otto')`,
      [id, concertId],
    );
    await session.query("UPDATE concerts SET available_tickets = available_tickets - 2 WHERE id = $1", [concertId]);
    await session.query("COMMIT");
  } finally {
    await session.end();
  }
}

const get = (caller: typeof nora) => client.call(getBooking, { id }, caller);
const cancel = (caller: typeof nora) => client.call(cancelBooking, { id }, caller);

test("rejects the old owner of a booking id that was assigned again, and serves the new owner", async () => {
  expect(verdict(await get(nora))).toBe("OK");
  expect(verdict(await get(otto))).toBe("NOT_BOOKING_OWNER");
  expect(verdict(await cancel(otto))).toBe("NOT_BOOKING_OWNER");
  await giveIdToOtto();
  expect(verdict(await get(nora))).toBe("NOT_BOOKING_OWNER");
  expect(verdict(await cancel(nora))).toBe("NOT_BOOKING_OWNER");
  expect(succeeded(await get(otto))).toMatchObject({ userId: "otto", status: BookingStatus.CONFIRMED });
  expect(succeeded(await cancel(otto))).toMatchObject({ userId: "otto", status: BookingStatus.CANCELLED });
  await service.database.checkInvariants();
});

test("reads a booking with one query", async () => {
  const query = vi.spyOn(pg.Client.prototype, "query");
  try {
    expect(verdict(await get(nora))).toBe("OK");
    const texts = query.mock.calls.map(([statement]) => JSON.stringify(statement));
    // Not of the sweeper, which looks for holds that are due meanwhile.
    const reads = texts.filter((text) => text?.includes("bookings") && !text.includes("distinct"));
    expect(reads).toHaveLength(1);
  } finally {
    query.mockRestore();
  }
});

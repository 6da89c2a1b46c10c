/** Batches that PostgreSQL does not commit, which only its answer to COMMIT shows. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { holdLock } from "./support/database/locks.ts";
import { succeeded, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createConcert } from "./support/service/stage.ts";

const { bookTickets, cancelBooking } = BookingService.method;

let service: TestService;
let client: ProtocolClient;

beforeAll(async () => {
  service = await startTestService({ APP_LOCK_TIMEOUT: "50ms", APP_MAX_RETRIES: "0" });
  client = createProtocolClient("REST", service.baseUrl);
});
afterEach(() => service.database.checkInvariants());
afterAll(() => service?.close());

const book = (concertId: bigint, userId = "ann") => client.call(bookTickets, { concertId, userId, ticketCount: 4 });

/** What is stored of a concert: the tickets that are left, and its bookings. */
async function stored(concertId: bigint) {
  const [concert] = await service.database.query<{ available: number; bookings: string[] | null }>(
    `SELECT available_tickets AS available,
       (SELECT array_agg(user_id || ' ' || status ORDER BY id) FROM bookings WHERE concert_id = concerts.id) AS bookings
     FROM concerts WHERE id = $1`,
    [concertId],
  );
  return concert;
}

test("rejects a cancel that cannot be written, so that PostgreSQL answers COMMIT with ROLLBACK", async () => {
  const { id: concertId } = await createConcert(client, { totalTickets: 10 });
  const { id } = succeeded(await book(concertId));
  const cancel = () => client.call(cancelBooking, { id, userId: "ann" });

  // Not the concert's row, which the batch gets: its update of the booking is what fails.
  const held = await holdLock(service.database, "SELECT FROM bookings WHERE id = $1 FOR UPDATE", [id]);
  const refused = await cancel().finally(() => held.release());
  expect(verdict(refused)).toBe("OVERLOADED");
  expect(await stored(concertId)).toEqual({ available: 6, bookings: ["ann confirmed"] });

  expect(verdict(await cancel())).toBe("OK");
  expect(await stored(concertId)).toEqual({ available: 10, bookings: ["ann cancelled"] });
});

test("rejects a booking that breaks a constraint only at COMMIT", async () => {
  await service.database.query(`
    CREATE FUNCTION run_out_of_disk() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN RAISE EXCEPTION USING ERRCODE = ''disk_full''; END';
    CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON bookings DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.user_id = 'unlucky') EXECUTE FUNCTION run_out_of_disk()`);
  const { id: concertId } = await createConcert(client, { totalTickets: 10 });
  expect(verdict(await book(concertId, "unlucky"))).toBe("DATABASE_UNAVAILABLE");
  expect(verdict(await book(concertId, "lucky"))).toBe("OK");
  expect(await stored(concertId)).toEqual({ available: 6, bookings: ["lucky confirmed"] });
});

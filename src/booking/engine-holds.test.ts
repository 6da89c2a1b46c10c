import { describe, expect, test } from "vitest";
import { createStage, onSale, type StageOptions, settle, verdict } from "../../test/support/booking/engine-stage.ts";
import {
  bookingRequest,
  cancelRequest,
  confirmRequest,
  exampleHold,
  examplePolicy,
} from "../../test/support/booking/example-bookings.ts";
import { instantAt } from "../../test/support/booking/fake-database.ts";
import { openDeadline } from "../../test/support/database/store.ts";
import type { Booking } from "../domain/booking.ts";
import { bookingIdOf, concertIdOf } from "../domain/ids.ts";
import type { Batches } from "../store/batch/open.ts";
import { createBookingEngine } from "./engine.ts";

const concertId = concertIdOf(1n);

let requests = 0;
const order = (ticketCount = 1) => bookingRequest({ concertId, ticketCount, requestId: `key ${++requests}` });

/** Holds of one ticket each, by different users, that are due before the clock's 1,000 ms. */
function dueHolds(count: number): Booking[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ ...exampleHold, id: bookingIdOf(BigInt(index + 1)), userId: `user ${index}`, requestId: `hold ${index}` },
    ...{ ticketCount: 1, requestedCount: 1, holdExpiresTime: instantAt(index % 500) },
  }));
}

/** A concert that is sold out but for such holds. */
const soldOutBut = (count: number, options: StageOptions = {}) =>
  createStage({ concerts: [onSale(1n, 0, dueHolds(count))], ...options });

describe("a concert with more holds due than a batch expires", () => {
  test("refuses no request for the lack of tickets before all of them have expired", async () => {
    const { submit, database, opened } = soldOutBut(1_200);
    const crowd = Array.from({ length: 120 }, () => verdict(submit(order(10))));
    const [tooMany] = [verdict(submit(order(1)))];
    const verdicts = await Promise.all(crowd);
    expect(verdicts.filter((each) => each === "OK")).toHaveLength(120);
    expect(await tooMany).toBe("INSUFFICIENT_TICKETS");
    expect(database.now(1n)).toMatchObject({ concert: { availableTickets: 0, heldTickets: 0 } });
    expect(opened.length).toBeGreaterThanOrEqual(3);
  });

  test("decides a request that went back before one that came after it", async () => {
    const { submit, hold } = soldOutBut(505, { policy: { ...examplePolicy, maxTicketsPerBooking: 1_000 } });
    const release = hold("A commits");
    const answers = [503, 4].map((count) => verdict(submit(order(count))));
    release();
    expect(await Promise.all(answers)).toEqual(["OK", "INSUFFICIENT_TICKETS"]);
  });

  test("expires all of them for the service's own command", async () => {
    const { engine, database, opened } = soldOutBut(1_200);
    await engine.expireHolds(concertId, openDeadline());
    expect(opened).toHaveLength(3);
    expect(database.now(1n)).toMatchObject({ concert: { availableTickets: 1_200, heldTickets: 0 } });
  });

  test("stops expiring them when the time is up", async () => {
    const { engine, database, hold } = soldOutBut(1_200);
    const release = hold("A has committed");
    const deadline = openDeadline();
    const expired = engine.expireHolds(concertId, deadline);
    await settle();
    deadline.pass();
    release();
    await expect(expired).rejects.toMatchObject({ failure: { reason: "DEADLINE_EXCEEDED" } });
    expect(database.now(1n).concert).toMatchObject({ heldTickets: 700 });
  });

  test("does not keep a request for ever if they never end", async () => {
    const stage = soldOutBut(500);
    const batches = stage.database.batches("A");
    let opened = 0;
    const neverEnding: Batches = {
      ...batches,
      open: async (query) => {
        opened++;
        return { ...(await batches.open(query)), commit: async () => {} };
      },
    };
    const engine = createBookingEngine(neverEnding, {
      ...{ policy: { ...examplePolicy, maxTicketsPerBooking: 1_000 }, maxQueuedRequests: 10, maxConcurrentBatches: 1 },
      ...{ maxRetries: 0, concertChanged: () => {} },
    });
    expect(await verdict(engine.submit(order(501), openDeadline()))).toBe("OVERLOADED");
    expect(opened).toBe(65);
  });
});

test("a command of the service for a concert that does not exist is refused", async () => {
  const { engine } = createStage();
  const refused = engine.expireHolds(concertIdOf(9n), openDeadline());
  await expect(refused).rejects.toMatchObject({ failure: { reason: "CONCERT_NOT_FOUND" } });
});

describe("a batch reads", () => {
  const other = { concertId, userId: "ben", requestId: "other" };

  test("the users' tickets of orders that the limits apply to, and of late confirmations", async () => {
    const { submit, opened, hold } = createStage();
    const release = hold("A commits");
    const first = verdict(submit(order()));
    const commands = [
      bookingRequest({ concertId, requestId: "a" }),
      bookingRequest({ ...other, isExempt: true }),
      cancelRequest({ concertId, userId: "cleo" }),
      confirmRequest({ concertId, userId: undefined, ownerId: "dora", acceptLate: true }),
      confirmRequest({ concertId, userId: "eve", ownerId: "eve" }),
    ];
    const answers = commands.map((command) => verdict(submit(command)));
    release();
    await Promise.all([first, ...answers]);
    expect(opened[1]).toMatchObject({ userIds: ["ann", "dora"], countsHolds: false, newIds: 2, maxDue: 500 });
    expect(opened[1]?.keys.map(({ requestId }) => requestId)).toEqual(["a", "other"]);
    expect(opened[1]?.bookingIds).toEqual([1n, 1n, 1n]);
  });
});

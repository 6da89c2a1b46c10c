/** The booking window is `[start, end)` by the database's clock, at the instant after the lock is acquired. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { makeDue } from "./support/database/holds.ts";
import { type HeldLock, holdConcert, patientSettings, queueUp } from "./support/database/locks.ts";
import { openProgram } from "./support/process/program.ts";
import { succeeded, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService, testEnvironment } from "./support/service/service.ts";
import { createConcert, instantOf } from "./support/service/stage.ts";

const { bookTickets, cancelBooking, holdTickets, confirmHold, extendHold } = BookingService.method;

let database: TestDatabase;
let service: TestService;
let client: ProtocolClient;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startTestService(patientSettings, database);
  client = createProtocolClient("Connect JSON", service.baseUrl);
});
afterEach(() => database.checkInvariants().finally(() => database.clear()));
afterAll(async () => {
  await service?.close();
  await database?.drop();
});

const book = (concertId: bigint, by = client) => by.call(bookTickets, { concertId, userId: "ann", ticketCount: 1 });

type Query = Pick<TestDatabase, "query">["query"];

/** An SQL expression's instant, to the microsecond. */
async function readInstant(query: Query, expression: string, values: unknown[] = []): Promise<Temporal.Instant> {
  const [row] = await query<{ at: string }>(
    `SELECT to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
    values,
  );
  return Temporal.Instant.from(row?.at ?? "");
}

const databaseClock = (query: Query = database.query) => readInstant(query, "clock_timestamp()");

/** Sets the window to so long before and after the database's clock. */
async function setWindow(id: bigint, start: string, end: string, query: Query = database.query) {
  await query(
    `UPDATE concerts SET booking_start_time = clock_timestamp() + $2::interval,
       booking_end_time = clock_timestamp() + $3::interval WHERE id = $1`,
    [id, start, end],
  );
  const edge = (column: string) => readInstant(query, `(SELECT ${column} FROM concerts WHERE id = $1)`, [id]);
  return { opensAt: await edge("booking_start_time"), closesAt: await edge("booking_end_time") };
}

async function concertWithWindow(start: string, end: string) {
  const { id } = await createConcert(client);
  return { id, ...(await setWindow(id, start, end)) };
}

function expectInOrder(...instants: Temporal.Instant[]): void {
  expect(instants.toSorted(Temporal.Instant.compare).map(String)).toEqual(instants.map(String));
}

/** The instant at which the window was checked for a call, from its booking or its error. */
function judgedAt(outcome: Awaited<ReturnType<typeof book>>): Temporal.Instant {
  return outcome.ok ? instantOf(outcome.message.bookingTime) : Temporal.Instant.from(outcome.metadata.now ?? "");
}

describe("a booking", () => {
  test.each([
    { when: "during the window", start: "-1 minute", end: "1 hour", expected: "OK" },
    { when: "before the window", start: "1 minute", end: "1 hour", expected: "BOOKING_NOT_OPEN" },
    { when: "after the window", start: "-1 hour", end: "-1 minute", expected: "BOOKING_NOT_OPEN" },
  ])("$when: $expected, by the database's clock", async ({ start, end, expected }) => {
    const { id, opensAt, closesAt } = await concertWithWindow(start, end);
    const before = await databaseClock();
    const outcome = await book(id);
    expect(verdict(outcome)).toBe(expected);
    expectInOrder(before, judgedAt(outcome), await databaseClock());
    if (outcome.ok) return;
    const { opens_at: opens = "", closes_at: closes = "" } = outcome.metadata;
    expect([opens, closes]).toEqual([String(opensAt), String(closesAt)]);
    expect(outcome.code).toBe("FAILED_PRECONDITION");
  });

  test("is dated with the instant at which the window was checked", async () => {
    const { id } = await concertWithWindow("-1 minute", "1 hour");
    const { id: bookingId, bookingTime, createdAt, updatedAt } = succeeded(await book(id));
    expect([createdAt, updatedAt]).toEqual([bookingTime, bookingTime]);
    const [row] = await database.query(
      "SELECT booking_time = created_at AND booking_time = updated_at AS one FROM bookings WHERE id = $1",
      [bookingId],
    );
    expect(row).toEqual({ one: true });
    const stored = await readInstant(database.query, "(SELECT booking_time FROM bookings WHERE id = $1)", [bookingId]);
    expect(String(stored)).toBe(String(instantOf(bookingTime)));
  });
});

/** Books in a loop while a window opens or closes, until the outcome differs from the first one. */
async function bookUntil(id: bigint, expected: string) {
  const outcomes: Awaited<ReturnType<typeof book>>[] = [];
  for (let call = 0; call < 5_000; call++) {
    const outcome = await book(id);
    outcomes.push(outcome);
    if (verdict(outcome) === expected) return outcomes;
  }
  throw new Error(`no booking was ever judged ${expected}`);
}

describe("bookings in a row", () => {
  test("are rejected at every instant before the start, and accepted from the start on", async () => {
    const { id, opensAt } = await concertWithWindow("300 milliseconds", "1 hour");
    const outcomes = await bookUntil(id, "OK");
    const instants = outcomes.map(judgedAt);
    expectInOrder(...instants.slice(0, -1), opensAt, ...instants.slice(-1));
    expect(instants.slice(0, -1).map(String)).not.toContain(String(opensAt));
  });

  test("are accepted at every instant before the end, and rejected from the end on", async () => {
    const { id, closesAt } = await concertWithWindow("-1 minute", "300 milliseconds");
    await database.query("UPDATE concerts SET total_tickets = 9000, available_tickets = 9000 WHERE id = $1", [id]);
    const outcomes = await bookUntil(id, "BOOKING_NOT_OPEN");
    const instants = outcomes.map(judgedAt);
    expectInOrder(...instants.slice(0, -1), closesAt, ...instants.slice(-1));
    expect(instants.slice(0, -1).map(String)).not.toContain(String(closesAt));
  });
});

/** Lets a call wait for the concert's lock, runs a step under the lock, and releases it. */
async function callBehind<Answer>(
  id: bigint,
  call: () => Promise<Answer>,
  meanwhile: (held: HeldLock) => Promise<unknown> = async () => {},
) {
  const held = await holdConcert(database, id);
  const [letGoAt, answers] = await (async () => {
    const waiting = await queueUp(held, [call]);
    await meanwhile(held);
    return [await databaseClock(held.query), waiting] as const;
  })().finally(() => held.release());
  const [answer] = await Promise.all(answers);
  if (!answer) throw new Error("there was no call");
  return { answer, letGoAt };
}

describe("a booking that waits for the lock", () => {
  test("is rejected if the window closes while it waits", async () => {
    const { id, closesAt } = await concertWithWindow("-1 minute", "500 milliseconds");
    const { answer, letGoAt } = await callBehind(
      id,
      () => book(id),
      async () => {
        for (let poll = 0; Temporal.Instant.compare(await databaseClock(), closesAt) < 0; poll++) {
          if (poll > 1_000) throw new Error("the window does not close");
          await delay(10);
        }
      },
    );
    expect(verdict(answer)).toBe("BOOKING_NOT_OPEN");
    expectInOrder(closesAt, letGoAt, judgedAt(answer), await databaseClock());
  });

  // The edge is put where the clock is after the wait has begun, so that only an instant read later is past it.
  test("is checked after the lock is acquired: the window ended in between", async () => {
    const { id } = await concertWithWindow("-1 minute", "1 hour");
    const { answer, letGoAt } = await callBehind(
      id,
      () => book(id),
      (held) => setWindow(id, "-1 minute", "0", held.query),
    );
    expect(verdict(answer)).toBe("BOOKING_NOT_OPEN");
    expectInOrder(letGoAt, judgedAt(answer), await databaseClock());
  });

  test("is checked after the lock is acquired: the window began in between", async () => {
    const { id } = await concertWithWindow("1 hour", "2 hours");
    const { answer, letGoAt } = await callBehind(
      id,
      () => book(id),
      (held) => setWindow(id, "0", "1 hour", held.query),
    );
    expect(verdict(answer)).toBe("OK");
    expectInOrder(letGoAt, judgedAt(answer), await databaseClock());
  });

  test("of a hold is checked after the lock is acquired, and the hold lives from that instant on", async () => {
    const { id: concertId } = await concertWithWindow("1 hour", "2 hours");
    const hold = { concertId, userId: "ann", ticketCount: 1, ttl: { seconds: 90n } };
    const { answer, letGoAt } = await callBehind(
      concertId,
      () => client.call(holdTickets, hold),
      (held) => setWindow(concertId, "0", "1 hour", held.query),
    );
    const { bookingTime, holdExpiresTime } = succeeded(answer);
    expectInOrder(letGoAt, instantOf(bookingTime), await databaseClock());
    expect(String(instantOf(holdExpiresTime))).toBe(String(instantOf(bookingTime).add({ seconds: 90 })));
  });

  test("is dated with the instant after the wait, as a cancellation is", async () => {
    const { id } = await concertWithWindow("-1 minute", "1 hour");
    const waited = await callBehind(id, () => book(id));
    const booking = succeeded(waited.answer);
    expectInOrder(waited.letGoAt, instantOf(booking.bookingTime), await databaseClock());

    const { answer, letGoAt } = await callBehind(id, () =>
      client.call(cancelBooking, { id: booking.id, userId: "ann" }),
    );
    const cancelled = succeeded(answer);
    expectInOrder(letGoAt, instantOf(cancelled.updatedAt), await databaseClock());
    expect(cancelled.bookingTime).toEqual(booking.bookingTime);
  });
});

describe.each([
  { clock: "two days ahead", shiftHours: 48 },
  { clock: "two days behind", shiftHours: -48 },
])("a process whose own clock is $clock", ({ shiftHours }) => {
  test("checks the window, dates bookings, lists open concerts and expires holds by the database's clock", async () => {
    const open = await concertWithWindow("-1 hour", "1 hour");
    const shifted = await concertWithWindow(`${shiftHours - 1} hours`, `${shiftHours + 1} hours`);
    const wrong = await openProgram({
      ...testEnvironment(database.url),
      NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, "support", "process", "wrong-clock.ts"))}`,
      TEST_CLOCK_SHIFT_MS: String(shiftHours * 3_600_000),
    });
    const wrongClient = createProtocolClient("Connect JSON", wrong.baseUrl);
    const before = await databaseClock();
    const [accepted, refused] = [await book(open.id, wrongClient), await book(shifted.id, wrongClient)];
    const after = await databaseClock();
    const hold = { concertId: open.id, userId: "ann", ticketCount: 1, ttl: { seconds: 600n } };
    const held = succeeded(await wrongClient.call(holdTickets, hold));
    const confirmed = await wrongClient.call(confirmHold, { id: held.id, userId: "ann" });
    const { id, userId } = succeeded(await wrongClient.call(holdTickets, { ...hold, userId: "ben" }));
    await makeDue(database, { id });
    const late = [
      await wrongClient.call(extendHold, { id, userId, ttl: { seconds: 60n } }),
      await wrongClient.call(confirmHold, { id, userId }),
    ];
    const listed = await wrongClient.call(ConcertService.method.listConcerts, { bookingOpenOnly: true, pageSize: 100 });
    await wrong.stop();

    const line = wrong.lines.find((text) => text.includes('"restPort"')) ?? "{}";
    const logged = Temporal.Instant.from(JSON.parse(line).time);
    expect(Math.round(after.until(logged).total("hours")), "its clock is wrong indeed").toBe(shiftHours);
    expect([accepted, refused].map(verdict)).toEqual(["OK", "BOOKING_NOT_OPEN"]);
    expectInOrder(before, judgedAt(accepted), judgedAt(refused), after);
    expect(String(instantOf(held.holdExpiresTime))).toBe(String(instantOf(held.bookingTime).add({ minutes: 10 })));
    expect([confirmed, ...late].map(verdict)).toEqual(["OK", "HOLD_EXPIRED", "HOLD_EXPIRED"]);
    const ids = succeeded(listed).concerts.map(({ id }) => id);
    expect(ids).toContain(open.id);
    expect(ids).not.toContain(shifted.id);
  });
});

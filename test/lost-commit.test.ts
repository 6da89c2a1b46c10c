import { randomUUID } from "node:crypto";
import type { DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdLock, patientSettings } from "./support/database/locks.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { createProtocolClient, type Outcome, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlight, type Stage, userId } from "./support/service/stage.ts";

let database: TestDatabase;
let proxy: PostgresProxy;
let service: TestService;
let client: ProtocolClient;
let stage: Stage;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.url);
  service = await startTestService(patientSettings, { ...database, url: proxy.url(database.url) });
  client = createProtocolClient("Connect JSON", service.baseUrl);
  stage = createStage(service.baseUrl);
});

afterEach(() => database.checkInvariants());

afterAll(async () => {
  client.close();
  await service.close();
  await proxy.close();
  await database.drop();
});

/** A prepared call that stores something, and a check that it was stored exactly once. */
interface Write<Method extends DescMethodUnary = DescMethodUnary> {
  call(): Promise<Outcome<MessageShape<Method["output"]>>>;
  /** What is stored of it: `nothing`, or `once`. */
  stored(): Promise<string>;
}

function write<Method extends DescMethodUnary>(
  method: Method,
  request: MessageInitShape<Method["input"]>,
  stored: () => Promise<string>,
): Write<Method> {
  return { call: () => client.call(method, request), stored };
}

async function count(text: string, values: unknown[]): Promise<string> {
  const [row] = await database.query<{ count: string }>(`SELECT count(*) ${text}`, values);
  return { "0": "nothing", "1": "once" }[String(row?.count)] ?? `${row?.count} times`;
}

const writes: Record<string, (requestId: string) => Promise<Write>> = {
  async "a booking"(requestId) {
    const { id: concertId } = await stage.concert();
    return write(BookingService.method.bookTickets, { concertId, userId, ticketCount: 2, requestId }, () =>
      count("FROM bookings WHERE concert_id = $1", [concertId]),
    );
  },
  async "a cancel"(requestId) {
    const { id, concertId } = await stage.booking(await stage.concert());
    return write(BookingService.method.cancelBooking, { id, userId, requestId }, () =>
      count(
        `FROM bookings JOIN concerts ON concerts.id = concert_id
         WHERE concert_id = $1 AND status = 'cancelled' AND available_tickets = total_tickets`,
        [concertId],
      ),
    );
  },
  async "a creation"(requestId) {
    const name = randomUUID();
    return write(ConcertService.method.createConcert, { ...moonlight, name, requestId }, () =>
      count("FROM concerts WHERE name = $1", [name]),
    );
  },
  async "an update"() {
    const { id, version = 0 } = await stage.concert();
    return write(ConcertService.method.updateConcert, { ...moonlight, id, version, totalTickets: 77 }, () =>
      count("FROM concerts WHERE id = $1 AND total_tickets = 77 AND available_tickets = 77 AND version = 2", [id]),
    );
  },
};

describe.each(Object.entries(writes))("%s whose COMMIT", (_name, prepare) => {
  test("is answered, but the answer is lost, succeeds", async () => {
    const { call, stored } = await prepare(randomUUID());
    const commitsBefore = proxy.commits;
    const lost = proxy.failNextCommit("answer lost");
    const [outcome] = await Promise.all([call(), lost]);
    expect(outcome).toMatchObject({ ok: true, replayed: undefined });
    expect(await stored()).toBe("once");
    expect(proxy.commits - commitsBefore).toBe(1);
  });

  test("does not arrive is repeated and stored once", async () => {
    const { call, stored } = await prepare(randomUUID());
    const commitsBefore = proxy.commits;
    const lost = proxy.failNextCommit("undelivered");
    const [outcome] = await Promise.all([call(), lost]);
    expect(outcome).toMatchObject({ ok: true, replayed: undefined });
    expect(await stored()).toBe("once");
    expect(proxy.commits - commitsBefore).toBe(2);
  });
});

test("a call waits for an outcome that can be read only after a while", async () => {
  const { call, stored } = await prepareBooking();
  const refusalsBefore = proxy.refusals;
  const lost = proxy.failNextCommit("answer lost", () => proxy.refuse());
  const answer = call();
  await lost;
  await vi.waitFor(() => expect(proxy.refusals).toBeGreaterThan(refusalsBefore + 2), { timeout: 10_000 });
  proxy.accept();
  expect(await answer).toMatchObject({ ok: true, replayed: undefined });
  expect(await stored()).toBe("once");
});

describe("an outcome that cannot be read", () => {
  test("is answered with OUTCOME_UNKNOWN, and with the advice to repeat if the call has a key", async () => {
    const cases: { name: string; key: string; write: Write }[] = [];
    for (const [name, prepare] of Object.entries(writes)) {
      for (const key of name === "an update" ? [""] : ["", randomUUID()])
        cases.push({ name, key, write: await prepare(key) });
    }
    // All of them have committed before the database is gone, so that one wait is enough for all.
    const held = cases.map(() => proxy.failNextCommit("answer held"));
    const calls = cases.map(({ write }) => write.call());
    await Promise.all(held);
    proxy.refuse();
    const outcomes = await Promise.all(calls);
    proxy.accept();

    for (const [index, { name, key, write }] of cases.entries()) {
      const code = key === "" ? "UNKNOWN" : "UNAVAILABLE";
      expect(outcomes[index], `${name} ${key}`).toMatchObject({ ok: false, reason: "OUTCOME_UNKNOWN", code });
      if (key !== "") expect(await write.call(), name).toMatchObject({ ok: true, replayed: "true" });
      expect(await write.stored(), name).toBe("once");
    }
  });
});

describe("a COMMIT that still runs in PostgreSQL when its connection is lost", () => {
  const gateKey = 4711;

  beforeAll(() =>
    database.query(`
      CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared(${gateKey}); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON bookings DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION pass_gate()`),
  );

  /** A booking whose COMMIT waits at the gate while its caller asks what has become of it. */
  async function bookAtGate() {
    const { call, stored } = await prepareBooking();
    const gate = await holdLock(database, "SELECT pg_advisory_xact_lock($1)", [gateKey]);
    const cut = proxy.failNextCommit("client cut");
    const answer = call();
    await cut;
    // The COMMIT at the gate, and the look at what became of it behind the concert's lock.
    await gate.untilWaiting(2);
    return { answer, stored, gate };
  }

  test("is answered with success when it has committed", async () => {
    const { answer, stored, gate } = await bookAtGate();
    expect(await stored()).toBe("nothing");
    await gate.release();
    expect(await answer).toMatchObject({ ok: true, replayed: undefined, message: { status: BookingStatus.CONFIRMED } });
    expect(await stored()).toBe("once");
  });

  test("is repeated when it has failed", async () => {
    const { answer, stored, gate } = await bookAtGate();
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    await gate.untilWaiting(1);
    expect(await stored()).toBe("nothing");
    await gate.release();
    expect(await answer).toMatchObject({ ok: true, replayed: undefined });
    expect(await stored()).toBe("once");
  });
});

function prepareBooking(): Promise<Write> {
  return writes["a booking"]?.(randomUUID()) ?? Promise.reject(new Error("no booking"));
}

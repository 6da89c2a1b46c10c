/** The audit trail of concerts. Its entries cannot be changed. */
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createConcert } from "../src/concerts/create.ts";
import { createDemoConcerts } from "../src/concerts/demo.ts";
import { updateConcert } from "../src/concerts/update.ts";
import type { Actor } from "../src/domain/change.ts";
import type { Concert, ConcertDescription } from "../src/domain/concert.ts";
import { concertIdOf } from "../src/domain/ids.ts";
import type { Store } from "../src/store/store.ts";
import { exampleConcert } from "./support/booking/example-bookings.ts";
import { admin, entriesOf, otherAdmin, whoDidWhat } from "./support/database/audit.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openDeadline, openStore } from "./support/database/store.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService } from "./support/service/service.ts";
import { createStage, moonlight, userId } from "./support/service/stage.ts";

let database: TestDatabase;
let proxy: PostgresProxy;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.url);
  store = openStore(proxy.url(database.url));
});
afterEach(() => database.checkInvariants());
afterAll(async () => {
  await store?.close();
  await proxy?.close();
  await database?.drop();
});

const description: ConcertDescription = { ...exampleConcert, priceCents: 5_050 };

async function create(actor: Actor = admin, requestId: string = randomUUID(), on = store): Promise<Concert> {
  return (await createConcert(on, description, requestId, actor, openDeadline())).value;
}

const update = (concert: Pick<Concert, "id" | "version">, changes: Partial<ConcertDescription> = {}, on = store) =>
  updateConcert(on, concert.id, concert, { ...description, ...changes }, otherAdmin, openDeadline());

async function countEntries(): Promise<number> {
  const [row] = await database.query<{ count: number }>("SELECT count(*)::int AS count FROM audit_entries");
  return row?.count ?? Number.NaN;
}

const failsWith = (reason: string) => expect.objectContaining({ failure: expect.objectContaining({ reason }) });

describe("a concert's entries", () => {
  test("have the actor, the address, and the concert before and after", async () => {
    const created = await create();
    const rules = { maxTicketsPerUser: 4, requiresPayment: true };
    const updated = await update(created, { name: "Summer Journey", priceCents: 0, totalTickets: 120, ...rules });
    const before = {
      id: String(created.id),
      name: "Winter Journey",
      artist: "The Lindens",
      venue: "Old Foundry",
      concert_date: "2030-06-01T20:00:00Z",
      total_tickets: 100,
      available_tickets: 100,
      held_tickets: 0,
      price: 50.5,
      currency_code: "USD",
      booking_start_time: "2030-05-01T10:00:00Z",
      booking_end_time: "2030-05-01T10:20:00Z",
      version: 1,
      created_at: created.createdAt.toString(),
      updated_at: created.createdAt.toString(),
      max_tickets_per_user: 0,
      requires_payment: false,
    };
    const after = {
      ...before,
      ...{ name: "Summer Journey", price: 0, total_tickets: 120, available_tickets: 120, version: 2 },
      ...{ updated_at: updated.updatedAt.toString(), max_tickets_per_user: 4, requires_payment: true },
    };
    const [byAdmin, byOther] = [admin, otherAdmin].map(({ subject: actor, address }) => ({ actor, address }));
    expect(await entriesOf(database, created.id)).toEqual([
      { ...byAdmin, action: "concert.create", bookingId: null, before: null, after: before },
      { ...byOther, action: "concert.update", bookingId: null, before, after },
    ]);
  });

  test("have the instant and the transaction of the change", async () => {
    const { id, version } = await create();
    const last = () =>
      database.query(
        `SELECT a.xmin = c.xmin AS "sameTransaction", occurred_at = updated_at AS "sameInstant"
         FROM audit_entries a, concerts c WHERE concert_id = c.id AND c.id = $1 ORDER BY a.id DESC LIMIT 1`,
        [id],
      );
    expect(await last()).toEqual([{ sameTransaction: true, sameInstant: true }]);
    await update({ id, version });
    expect(await last()).toEqual([{ sameTransaction: true, sameInstant: true }]);
  });

  test.each<[whose: string, actor: Actor]>([
    ["without an actor", { subject: undefined, address: "192.0.2.1" }],
    ["of the service itself", { subject: undefined, address: undefined }],
  ])("are written for changes %s", async (_, actor) => {
    const { id } = await create(actor);
    const expected = [{ actor: null, address: actor.address ?? null, action: "concert.create" }];
    expect(await entriesOf(database, id)).toMatchObject(expected);
  });

  test("are written for the demo concerts, whose actor is the service", async () => {
    const own = await createTestDatabase();
    const ownStore = openStore(own.url);
    const count = await createDemoConcerts(ownStore, Temporal.Now.instant());
    await ownStore.close();
    const byItself = await own.query("SELECT FROM audit_entries WHERE actor IS NULL AND actor_address IS NULL");
    expect(byItself).toHaveLength(count);
    await own.checkInvariants().finally(() => own.drop());
  });
});

describe("a change that is not stored has no entry:", () => {
  const taken = randomUUID();
  let concert: Concert;
  beforeAll(async () => {
    concert = await create(admin, taken);
    await database.query(`
      CREATE FUNCTION run_out_of_disk() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION USING ERRCODE = ''disk_full''; END';
      CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT OR UPDATE ON concerts DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.name = 'unlucky') EXECUTE FUNCTION run_out_of_disk()`);
  });

  const unlucky = { ...description, name: "unlucky" };
  test.each<[what: string, call: () => Promise<unknown>, reason: string | undefined]>([
    ["a repeated creation", () => create(otherAdmin, taken), undefined],
    [
      "a creation with the key of another one",
      () => createConcert(store, unlucky, taken, admin, openDeadline()),
      "REQUEST_ID_REUSED",
    ],
    ["an update of another version", () => update({ ...concert, version: 7 }), "VERSION_MISMATCH"],
    ["an update of no concert", () => update({ id: concertIdOf(2n ** 62n), version: 1 }), "CONCERT_NOT_FOUND"],
    ["an update that fails at its COMMIT", () => update(concert, { name: "unlucky" }), "DATABASE_UNAVAILABLE"],
    [
      "a creation that fails at its COMMIT",
      () => createConcert(store, unlucky, randomUUID(), admin, openDeadline()),
      "DATABASE_UNAVAILABLE",
    ],
  ])("%s", async (_, call, reason) => {
    const before = await countEntries();
    if (reason) await expect(call()).rejects.toEqual(failsWith(reason));
    else await call();
    expect(await countEntries()).toBe(before);
  });

  test("a change whose entry cannot be written is not stored", async () => {
    const requestId = randomUUID();
    await expect(create({ subject: "a".repeat(256), address: undefined }, requestId)).rejects.toThrow("too long");
    expect(await database.query("SELECT FROM concert_requests WHERE request_id = $1", [requestId])).toEqual([]);
  });
});

describe("a change whose COMMIT's answer is lost has", () => {
  test("one entry if it has committed", async () => {
    const [{ id }] = await Promise.all([create(), proxy.failNextCommit("answer lost")]);
    expect(await whoDidWhat(database, id)).toEqual(["admin-1 concert.create"]);
  });

  test("no entry if it has not committed, and one entry after the repetition", async () => {
    const unrepeated = openStore(proxy.url(database.url), { maxRetries: 0 });
    const concert = await create();
    const lost = proxy.failNextCommit("undelivered");
    await expect(update(concert, {}, unrepeated)).rejects.toEqual(failsWith("DATABASE_UNAVAILABLE"));
    await Promise.all([lost, unrepeated.close()]);
    expect(await whoDidWhat(database, concert.id)).toEqual(["admin-1 concert.create"]);
    await Promise.all([update(concert), proxy.failNextCommit("undelivered")]);
    expect(await whoDidWhat(database, concert.id)).toEqual(["admin-1 concert.create", "admin-2 concert.update"]);
  });
});

describe("the trail", () => {
  const columns = "(occurred_at, actor, action, concert_id, booking_id, before, after)";
  test.each([
    ["UPDATE audit_entries SET actor = 'mallory'"],
    ["UPDATE audit_entries SET actor = 'mallory' WHERE false"],
    ["DELETE FROM audit_entries"],
    ["TRUNCATE audit_entries"],
    [
      `INSERT INTO audit_entries OVERRIDING SYSTEM VALUE SELECT * FROM audit_entries
        ON CONFLICT (concert_id, id) DO UPDATE SET actor = 'mallory'`,
    ],
    ["SET session_replication_role = replica; DELETE FROM audit_entries"],
  ])("cannot be changed, not even by its owner: %s", async (statement) => {
    await create();
    const session = await database.connect();
    const [role] = await database.query(
      "SELECT FROM pg_class WHERE relname = 'audit_entries' AND relowner = current_user::regrole",
    );
    expect(role).toBeDefined();
    const refusal = { code: "42501", message: expect.stringContaining("the audit trail is append-only") };
    const failure = expect(session.query(statement)).rejects.toMatchObject(refusal);
    await failure.finally(() => session.end());
  });

  test.each([
    ["audit_entries_action_check", "(now(), 'ann', 'concert.delete', 1, NULL, '{}', '{}')"],
    ["audit_entries_booking_id_check", "(now(), 'ann', 'booking.create', 1, NULL, NULL, '{}')"],
    ["audit_entries_booking_id_check", "(now(), 'ann', 'concert.create', 1, 1, NULL, '{}')"],
    ["audit_entries_before_check", "(now(), 'ann', 'concert.update', 1, NULL, NULL, '{}')"],
    ["audit_entries_before_check", "(now(), 'ann', 'concert.create', 1, NULL, '{}', '{}')"],
    ["audit_entries_before_check", "(now(), 'ann', 'booking.hold', 1, 1, '{}', '{}')"],
    ["audit_entries_before_check", "(now(), 'ann', 'booking.confirm', 1, 1, NULL, '{}')"],
    ["audit_entries_action_check", "(now(), 'ann', 'booking.expire', 1, 1, '{}', '{}')"],
  ])("rejects an entry that breaks %s: %s", async (constraint, values) => {
    const statement = `INSERT INTO audit_entries ${columns} VALUES ${values}`;
    await expect(database.query(statement)).rejects.toMatchObject({ constraint });
  });
});

test("in the mode none the service records changes of concerts, and the users who booked and cancelled", async () => {
  const service = await startTestService({}, database);
  const client = createProtocolClient("REST", service.baseUrl);
  const stage = createStage(service.baseUrl);
  const { id, version } = await stage.concert();
  succeeded(await client.call(ConcertService.method.updateConcert, { ...moonlight, id, version, price: 1.5 }));
  const { id: bookingId } = await stage.booking({ id } as Parameters<typeof stage.booking>[0]);
  succeeded(await client.call(BookingService.method.cancelBooking, { id: bookingId, userId }));
  await service.close();
  const address = "127.0.0.1";
  expect(await entriesOf(database, id)).toMatchObject([
    { actor: null, address, action: "concert.create", before: null, after: { price: 50.25 } },
    { actor: null, address, action: "concert.update", before: { price: 50.25 }, after: { price: 1.5 } },
  ]);
  const [booking] = await database.query("SELECT booked_by, cancelled_by FROM bookings WHERE id = $1", [bookingId]);
  expect(booking).toEqual({ booked_by: userId, cancelled_by: userId });
});

test("the migration adds it without rewriting a table, and older bookings have no actor", async () => {
  const old = await createTestDatabase();
  const migrations = (await readdir("db/migrations")).sort();
  const migrate = async (file: string) => void (await old.query(`BEGIN; ${await readFile(file, "utf8")}; COMMIT`));
  await old.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  for (const file of migrations.filter((name) => name < "0003")) await migrate(`db/migrations/${file}`);
  await old.query(`
    INSERT INTO concerts (name, artist, venue, concert_date, total_tickets, available_tickets, price, booking_start_time,
      booking_end_time, request_id, request_digest)
    VALUES ('a', 'b', 'c', '2099-06-01', 10, 8, 50.25, '2099-01-01', '2099-05-01', gen_random_uuid(), sha256('a'));
    INSERT INTO bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
    SELECT id, 'nora', 2, price, 2 * price, currency_code, now(), gen_random_uuid() FROM concerts`);
  const stored = () => old.query("SELECT xmin, ctid, pg_relation_filenode('bookings') AS file FROM bookings");
  const before = await stored();
  await migrate("db/migrations/0003_audit_trail.sql");
  expect(await stored()).toEqual(before);
  await old.query(
    "UPDATE bookings SET status = 'cancelled', cancel_request_id = gen_random_uuid(), cancelled_by = 'nora'",
  );
  expect(await old.query("SELECT booked_by, cancelled_by FROM bookings")).toEqual([
    { booked_by: null, cancelled_by: "nora" },
  ]);
  await old.drop();
});

/** Reads of one process are at most a second old, and never older than a write through the same process. */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createConcertCache } from "../src/concerts/cache.ts";
import { type Catalogue, createCatalogue } from "../src/concerts/catalogue.ts";
import { serviceItself } from "../src/domain/change.ts";
import type { Concert, ConcertDescription, ConcertFilter } from "../src/domain/concert.ts";
import { type ConcertId, concertIdOf } from "../src/domain/ids.ts";
import type { Store } from "../src/store/store.ts";
import { exampleConcert } from "./support/booking/example-bookings.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdLock } from "./support/database/locks.ts";
import { openDeadline, openStore } from "./support/database/store.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

let database: TestDatabase;
/** It has one connection, so that a test can keep it busy. */
let store: Store;
let catalogue: Catalogue;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url, { poolSize: 1 });
  const cache = createConcertCache();
  catalogue = createCatalogue(store, cache, cache.concertChanged);
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

const description: ConcertDescription = exampleConcert;

async function create(name: string = randomUUID()): Promise<Concert> {
  return (await catalogue.create({ ...description, name }, randomUUID(), serviceItself, openDeadline())).value;
}

const get = (id: ConcertId, deadline = openDeadline()) => catalogue.get(id, "cached", deadline);

async function namesIn(name: string): Promise<string[]> {
  const filter: ConcertFilter = {
    ...{ artist: undefined, venue: undefined, dateFrom: undefined, dateTo: undefined },
    ...{ name, availableOnly: false, bookingOpenOnly: false },
  };
  const page = await catalogue.page(filter, undefined, 20, "cached", openDeadline());
  return page.items.map((concert) => concert.name);
}

test("a read that is cancelled does not fail the reads that share its query", async () => {
  const { id } = await create();
  const lock = await holdLock(database, "SELECT pg_advisory_lock(1)");
  const busy = store.read((db) => sql`select pg_advisory_lock_shared(1)`.execute(db), openDeadline());
  await lock.untilWaiting(1);
  const deadline = openDeadline();
  const readers = Promise.all([get(id, deadline), get(id)]);
  deadline.pass();
  await lock.release();
  await busy;
  expect(await readers).toMatchObject([{ id }, { id }]);
});

test("a concert that was read before its creation is found after it", async () => {
  const next = concertIdOf((await create()).id + 1n);
  await expect(get(next)).rejects.toMatchObject({ failure: { reason: "CONCERT_NOT_FOUND", concertId: next } });
  const name = `New ${randomUUID()}`;
  expect(await namesIn(name)).toEqual([]);
  const created = await create(name);
  expect(created.id).toBe(next);
  expect(await get(created.id)).toEqual(created);
  expect(await namesIn(name)).toEqual([name]);
});

test("a read after an update returns the new concert", async () => {
  const label = `Label ${randomUUID()}`;
  const before = await create(`${label} one`);
  expect(await get(before.id)).toEqual(before);
  expect(await namesIn(label)).toEqual([`${label} one`]);
  const renamed = { ...description, name: `${label} two` };
  const after = await catalogue.update(before.id, before, renamed, serviceItself, openDeadline());
  expect(await get(before.id)).toEqual(after);
  expect(await namesIn(label)).toEqual([`${label} two`]);
});

test("a read or a list after a booking or a cancel returns the new number of tickets", async () => {
  const service = await startTestService();
  const client = createProtocolClient("Connect JSON", service.baseUrl);
  const stage = createStage(service.baseUrl);
  const concert = await stage.concert({ totalTickets: 100 });
  const { getConcert, listConcerts } = ConcertService.method;
  const seen = async () => {
    const listed = succeeded(await client.call(listConcerts, {})).concerts.find(({ id }) => id === concert.id);
    const got = succeeded(await client.call(getConcert, { id: concert.id }));
    return [listed?.availableTickets, got.availableTickets];
  };
  expect(await seen()).toEqual([100, 100]);
  for (let booked = 1; booked <= 10; booked++) {
    const booking = await stage.booking(concert, { ticketCount: 2 });
    expect(await seen()).toEqual([100 - booked - 1, 100 - booked - 1]);
    await stage.cancel(booking);
    await stage.booking(concert, { ticketCount: 1 });
    expect(await seen()).toEqual([100 - booked, 100 - booked]);
  }
  client.close();
  await service.close();
});

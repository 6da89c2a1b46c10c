/** The list of concerts begins at the present unless the request has date_from. A next page continues its own list. */
import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConcertService, type ListConcertsRequestSchema } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createDemoConcerts } from "../src/concerts/demo.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { openStore } from "./support/database/store.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient, protocols } from "./support/protocols/protocols.ts";
import { noCache, startTestService, type TestService } from "./support/service/service.ts";
import { createConcert, timestamp } from "./support/service/stage.ts";

type Filter = MessageInitShape<typeof ListConcertsRequestSchema>;

const years = ["2001", "2002", "2003", "2097", "2098", "2099"] as const;
const coming = ["2097", "2098", "2099"];
const artist = `Artist ${randomUUID()}`;

let database: TestDatabase;
let service: TestService;
let client: ProtocolClient;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startTestService({}, database);
  client = createProtocolClient("REST", service.baseUrl);
  for (const year of years) {
    await createConcert(client, { name: year, artist, concertDate: timestamp(`${year}-06-01T20:00:00Z`) });
  }
});
afterAll(async () => {
  await service?.close();
  await database?.drop();
});

async function page(request: Filter, by = client) {
  const { concerts, nextPageToken } = succeeded(await by.call(ConcertService.method.listConcerts, request, noCache));
  return { names: concerts.map(({ name }) => name), nextPageToken };
}

const from = (year: string) => ({ dateFrom: timestamp(`${year}-01-01T00:00:00Z`) });
const until = (year: string) => ({ dateTo: timestamp(`${year}-01-01T00:00:00Z`) });

test.each(protocols)("without date_from the list begins now, with it where it says (%s)", async (protocol) => {
  const by = createProtocolClient(protocol, service.baseUrl);
  expect((await page({}, by)).names).toEqual(coming);
  expect((await page(from("2002"), by)).names).toEqual(years.slice(1));
  by.close();
});

describe("the list begins at the present or at date_from, with every other filter:", () => {
  test.each<[what: string, filter: Filter, names: readonly string[]]>([
    ["a text", { artist }, coming],
    ["a text, from a date", { artist, ...from("2001") }, years],
    ["what is available", { availableOnly: true, bookingOpenOnly: true }, coming],
    ["until a date to come", until("2099"), ["2097", "2098"]],
    ["until a date that is past", until("2003"), []],
    ["between dates that are past", { ...from("2001"), ...until("2003") }, ["2001", "2002"]],
    ["from a date to come", from("2098"), ["2098", "2099"]],
  ])("%s", async (_, filter, names) => {
    expect((await page(filter)).names).toEqual(names);
  });
});

test("a concert that has just begun is not in the list, one that is about to begin is", async () => {
  await database.query("UPDATE concerts SET concert_date = now() - interval '1 millisecond' WHERE name = '2003'");
  await database.query("UPDATE concerts SET concert_date = now() + interval '1 hour' WHERE name = '2097'");
  expect((await page({})).names).toEqual(coming);
});

/** A list's page token with another position, as if the list had been read at another time. */
function moveToken(token: string, position: readonly string[]): string {
  const [list] = JSON.parse(Buffer.from(token, "base64url").toString());
  return Buffer.from(JSON.stringify([list, ...position])).toString("base64url");
}

test("the next page continues from its token, even if its concerts have begun since", async () => {
  const first = await page({ pageSize: 1 });
  expect(first.names).toEqual(["2097"]);
  expect((await page({ pageToken: first.nextPageToken })).names).toEqual(["2098", "2099"]);
  const earlier = moveToken(first.nextPageToken, ["2001-12-31T00:00:00Z", "1"]);
  expect((await page({ pageToken: earlier, pageSize: 1 })).names).toEqual(["2002"]);
});

test("a token of a list without date_from is rejected for a list with one, and the reverse", async () => {
  const { nextPageToken: ofNow } = await page({ pageSize: 1 });
  const { nextPageToken: ofDate } = await page({ ...from("2002"), pageSize: 1 });
  for (const request of [{ ...from("2002"), pageToken: ofNow }, { pageToken: ofDate }]) {
    const answer = await client.call(ConcertService.method.listConcerts, request);
    expect(answer).toMatchObject({ ok: false, reason: "INVALID_PAGE_TOKEN" });
  }
});

test("a database with past concerts only gets no demo concerts", async () => {
  const past = await createTestDatabase();
  const store = openStore(past.url, { poolSize: 1 });
  await store.migrate();
  expect(await createDemoConcerts(store, Temporal.Now.instant())).toBe(7);
  await past.query("UPDATE concerts SET concert_date = '0001-01-01 00:00Z'");
  expect(await createDemoConcerts(store, Temporal.Now.instant())).toBe(0);
  await past.query("TRUNCATE concerts CASCADE");
  expect(await createDemoConcerts(store, Temporal.Now.instant())).toBe(7);
  await store.close();
  await past.drop();
});

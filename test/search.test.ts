/** Searches by text find texts that look the same to a reader, in every spelling. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { noCache, startTestService, type TestService } from "./support/service/service.ts";
import { createConcert, type Description, describeConcert, insertConcerts } from "./support/service/stage.ts";

type Texts = Partial<Pick<Description, "name" | "artist" | "venue">>;

/** A list scans so many concerts for matches. Concerts behind them are found by the trigrams of a text. */
const fillerCount = 2_100;

/** Past concerts, which come first in every list. */
const filler = {
  ...{ name: "'Filler'", artist: "'Filler'", venue: "'Filler'", concert_date: "'2001-01-01'" },
  ...{ booking_start_time: "'2000-01-01'", booking_end_time: "'2000-06-01'" },
};

let service: TestService;
let client: ProtocolClient;
beforeAll(async () => {
  service = await startTestService();
  client = createProtocolClient("Connect JSON", service.baseUrl);
  await insertConcerts(service.database, filler, fillerCount);
});
afterAll(async () => {
  client?.close();
  await service?.close();
});

/** The ids of all that a search finds, or of its first page. */
async function find(filter: Texts, pages = Infinity): Promise<bigint[]> {
  const found: bigint[] = [];
  let pageToken = "";
  for (let page = 0; page < pages && (page === 0 || pageToken !== ""); page++) {
    const request = { ...filter, pageSize: 100, pageToken };
    const answer = succeeded(await client.call(ConcertService.method.listConcerts, request, noCache));
    found.push(...answer.concerts.map(({ id }) => id));
    pageToken = answer.nextPageToken;
  }
  return found;
}

test.for<readonly [what: string, stored: string, searched: string]>([
  ["composed, stored decomposed", "Beyonce\u0301", "Beyonc\u00e9"],
  ["decomposed, stored composed", "Beyonc\u00e9", "Beyonce\u0301"],
  ["in capitals", "Mot\u00f6rhead", "MOT\u00d6RHEAD"],
  ["in Cyrillic capitals", "\u0401\u043b\u043a\u0430", "\u0451\u041b\u041a\u0410"],
  ["with sharp s as SS", "Stra\u00dfe", "STRASSE"],
  ["with capital sharp s", "Strasse", "STRA\u1e9eE"],
  ["with a final sigma", "\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"],
  ["with a sigma that is final only in the search", "\u03bf\u03b4\u03bf\u03c3\u03b1\u03c2", "\u03bf\u03b4\u03bf\u03c2"],
  ["without the dot of a Turkish capital", "\u0130stanbul", "istanbul"],
  ["with it", "istanbul", "\u0130STANBUL"],
  ["with a dotless i", "I\u015f\u0131n", "\u0131\u015f\u0131n"],
  ["without full width", "\uff21\uff2b\uff22\uff14\uff18", "akb48"],
  ["with a ligature", "\ufb03nity", "FFINITY"],
  ["with the apostrophe of a phone", "Guns N' Roses", "guns n\u2019 roses"],
  ["without what is not shown", "Soft\u00adCell", "softcell"],
  ["with a blank at the end, as phones write it", "Owls", "owls "],
  ["between ideographic and no-break spaces", "Owls", "\u3000owls\u00a0"],
  ["of two letters", "U2", "u2"],
  ["of two letters in a later word", "Friends of IU", "iu"],
  ["of two letters behind a bracket", "(U2)", "U2"],
  ["of one letter", "U2", "u"],
  ["of one ideograph", "\u5d50", "\u5d50"],
  ["of one ideograph within a word", "\u5927\u5d50", "\u5d50"],
  ["of two signs", "Live!!!", "!!"],
])("a text %s is found", async ([, artist, searched]) => {
  const { id } = await createConcert(client, { artist, venue: `Place of ${artist}` });
  expect(await find({ artist: searched })).toContain(id);
  expect(await find({ artist: searched, venue: searched })).toContain(id);
});

describe("a short text", () => {
  test.each(["Zq", "\u7a4d", "X9"])("that is rare is on the first page, behind all others: %s", async (artist) => {
    const { id } = await createConcert(client, { artist });
    // In the C locale the indexes know no letters but ASCII's, and a search goes through all pages.
    const [row] = await service.database.query<{ isKnown: boolean }>(`SELECT show_trgm($1) <> '{}' AS "isKnown"`, [
      artist,
    ]);
    expect(await find({ artist: artist.toLowerCase() }, row?.isKnown ? 1 : Infinity)).toEqual([id]);
  });

  test.for<readonly [stored: string, searched: string]>([
    ["Menu2", "u2"],
    ["Radius", "iu"],
    ["Bue", "u"],
    ["\u00c9tu", "tu"],
  ])("is not found within a word: %s by %s", async ([name, searched]) => {
    const { id } = await createConcert(client, { name });
    expect(await find({ name: searched })).not.toContain(id);
  });

  test("of three letters is found within a word", async () => {
    const { id } = await createConcert(client, { name: "Radius" });
    expect(await find({ name: "diu" })).toContain(id);
  });
});

test.each(["", " ", "\u3000", "\t\u00a0 ", "\u200b", "\ufeff "])("a blank text, %j, does not filter", async (blank) => {
  const name = `Blank ${randomUUID()}`;
  const { id } = await createConcert(client, { name });
  expect(await find({ name, artist: blank, venue: blank })).toEqual([id]);
});

test("texts are stored composed, and user ids as they are", async () => {
  const decomposed = "e\u0301".repeat(255);
  const texts = { name: decomposed, artist: decomposed, venue: decomposed };
  const concert = await createConcert(client, texts);
  const composed = "\u00e9".repeat(255);
  expect(concert).toMatchObject({ name: composed, artist: composed, venue: composed });
  const { updateConcert } = ConcertService.method;
  const request = { ...describeConcert(texts), id: concert.id, version: 1 };
  expect(succeeded(await client.call(updateConcert, request))).toMatchObject({ name: composed, venue: composed });
});

test("a text that is longer when composed is limited by its composed length", async () => {
  // U+0958 is two characters in NFC.
  const { createConcert: create } = ConcertService.method;
  const outcome = await client.call(create, describeConcert({ name: "\u0958".repeat(200) }));
  expect(outcome).toMatchObject({
    reason: "INVALID_REQUEST",
    violations: [{ field: "name", message: "must be at most 255 characters" }],
  });
});

test("a text that an operator writes by SQL is found too", async () => {
  const { id } = await createConcert(client, { name: "Before" });
  await service.database.query("UPDATE concerts SET name = $1 WHERE id = $2", ["CAFE\u0301 \u00c5NGSTR\u00d6M", id]);
  expect(await find({ name: "caf\u00e9 \u00e5ngstr\u00f6m" })).toEqual([id]);
});

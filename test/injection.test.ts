/** Hostile texts are stored and found byte for byte, and never become part of a statement, a pattern, a header or a log line. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fitsFilter, hostileTexts } from "./support/fuzz/hostile-texts.ts";
import {
  createJsonCaller,
  type JsonAnswer,
  type JsonCaller,
  type JsonProtocol,
  jsonProtocols,
} from "./support/protocols/json-calls.ts";
import type { JsonObject } from "./support/scenario/scenario.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { insertConcerts, moonlightJson } from "./support/service/stage.ts";
import { findInsides } from "./support/wire/errors.ts";
import { sendHttp } from "./support/wire/http.ts";

const create = "ConcertService.CreateConcert";
const update = "ConcertService.UpdateConcert";
const get = "ConcertService.GetConcert";
const list = "ConcertService.ListConcerts";
const book = "BookingService.BookTickets";
const getBooking = "BookingService.GetBooking";
const getBookings = "BookingService.GetUserBookings";
const cancel = "BookingService.CancelBooking";

/** More than one call of ListConcerts scans. Concerts behind them are found by the trigrams of a filter. */
const fillerCount = 2_100;

let service: TestService;
let caller: JsonCaller;
beforeAll(async () => {
  // A search of texts on a busy machine may take longer than the usual limits.
  const patience = { APP_STATEMENT_TIMEOUT: "2m", APP_REQUEST_TIMEOUT: "2m" };
  service = await startTestService(patience, undefined, "trace");
  caller = createJsonCaller(service.baseUrl);
  const past = { concert_date: "'2001-01-01'", booking_start_time: "'2000-01-01'", booking_end_time: "'2000-06-01'" };
  await insertConcerts(
    service.database,
    { ...past, name: "'Filler'", artist: "'Filler'", venue: "'Filler'" },
    fillerCount,
  );
});
afterAll(async () => {
  caller?.close();
  await service?.close();
});

/** Fewer calls at once than the pool has connections: none may be refused as an overload, however slow the machine is. */
const callsAtOnce = 8;

async function mapAll<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: callsAtOnce }, worker));
  return results;
}

type Row = Readonly<Record<string, unknown>>;

async function succeed(protocol: JsonProtocol, method: string, request: JsonObject): Promise<Row> {
  const answer = await caller.call(protocol, method, request);
  if (!answer.ok) throw new Error(`${method} of ${JSON.stringify(request)} was refused: ${JSON.stringify(answer)}`);
  return answer.body;
}

/** All items of a list, page by page. */
async function all(protocol: JsonProtocol, method: string, request: JsonObject, items: string): Promise<Row[]> {
  const found: Row[] = [];
  let page_token = "";
  do {
    const page = await succeed(protocol, method, { ...request, page_size: 100, page_token });
    found.push(...(page[items] as Row[]));
    page_token = String(page.next_page_token);
  } while (page_token !== "");
  return found;
}

/** A text as it is stored. */
const composed = (text: string) => text.normalize("NFC");
/** A text as searches compare it: equal for texts that Unicode treats as alike, in any case and composition. */
function folded(text: string): string {
  const letters = text.normalize("NFKC").replaceAll(/\p{Cf}/gu, "");
  return letters.toLowerCase().toUpperCase().toLowerCase();
}

const columns = ["name", "artist", "venue"] as const;
const everywhere = (text: string) => ({ name: text, artist: text, venue: text });
const storedEverywhere = (text: string) => everywhere(composed(text));
const isAscii = (text: string) => /^[\0-\x7f]*$/.test(text);

describe.each(jsonProtocols)("%s", (protocol) => {
  test("a concert's texts are returned as they were written, and a search for each finds the concert", async () => {
    await mapAll(hostileTexts, async (text, index) => {
      const texts = everywhere(text);
      const created = await succeed(protocol, create, { ...moonlightJson, ...everywhere("Before") });
      const { id, version } = await succeed(protocol, create, { ...moonlightJson, ...texts });
      const updated = await succeed(protocol, update, {
        id: String(created.id),
        version: 1,
        ...moonlightJson,
        ...texts,
      });
      const stored = storedEverywhere(text);
      expect(updated).toMatchObject({ ...stored, version: 2 });
      for (const reader of jsonProtocols) {
        expect(await succeed(reader, get, { id: String(id) })).toMatchObject({ ...stored, version });
      }
      if (!fitsFilter(text)) return;
      const column = columns[index % columns.length] ?? "name";
      const ids = (await all(protocol, list, { [column]: text }, "concerts")).map((concert) => concert.id);
      expect([text, ids]).toEqual([text, expect.arrayContaining([id, created.id])]);
    });
  });

  test("a filter finds the texts that contain it, and no others", async () => {
    const contains = (name: string, text: string) => folded(name).includes(folded(text.trim()));
    const concerts = (await all(protocol, list, {}, "concerts")).filter(({ name }) => name !== "Filler");
    // Which letters of other alphabets are the same in capitals is for search.test.ts to say.
    const filters = hostileTexts.filter(isAscii).filter((text) => fitsFilter(text.trim()));
    await mapAll(filters, async (text) => {
      const expected = concerts.filter(({ name }) => contains(String(name), text));
      const found = await all(protocol, list, { name: text }, "concerts");
      expect([text, new Set(found.map(({ id }) => id))]).toEqual([text, new Set(expected.map(({ id }) => id))]);
    });
  });

  test("a user id finds the bookings of that user only", async () => {
    const { id } = await succeed(protocol, create, { ...moonlightJson, total_tickets: 1_000 });
    const bookings = await mapAll(hostileTexts, (user_id) =>
      succeed(protocol, book, { concert_id: String(id), user_id, ticket_count: 1 }),
    );
    await mapAll(hostileTexts, async (user_id, index) => {
      const booking = bookings[index];
      expect(booking).toMatchObject({ user_id });
      for (const reader of jsonProtocols) {
        expect(await succeed(reader, getBooking, { id: String(booking?.id) })).toEqual(booking);
        const own = (await all(reader, getBookings, { user_id }, "bookings")).filter(
          ({ concert_id }) => concert_id === id,
        );
        expect(own).toEqual([booking]);
      }
      const stranger = hostileTexts[(index + 1) % hostileTexts.length] ?? "";
      const refused = await caller.call(protocol, cancel, { id: String(booking?.id), user_id: stranger });
      expect(refused).toMatchObject({ ok: false, reason: "NOT_BOOKING_OWNER" });
      const cancelled = await succeed(protocol, cancel, { id: String(booking?.id), user_id });
      expect(cancelled).toMatchObject({ user_id, status: "BOOKING_STATUS_CANCELLED" });
    });
    for (const user_id of ["stranger", "%", "_", "*", "admin "]) {
      expect(await succeed(protocol, getBookings, { user_id })).toMatchObject({ bookings: [] });
    }
  });

  test("%, _ and backslash in a filter match only themselves", async () => {
    const artist = `Literal by ${protocol}`;
    const piece = fc.string({ unit: fc.constantFrom("a", "b", "%", "_", "\\"), minLength: 3, maxLength: 6 });
    const names = fc.sample(piece, { seed: 1, numRuns: 80 });
    await mapAll(names, (name) => succeed(protocol, create, { ...moonlightJson, artist, name }));
    // Half of the filters are a part of some name, and most of the others of none.
    const parts = names.slice(0, 40).map((name) => name.slice(-3));
    const filters = [
      ...parts,
      ...fc.sample(piece, { seed: 2, numRuns: 40 }),
      "%%%",
      "___",
      "\\\\\\",
      "a%b",
      "a_b",
      "a\\b",
    ];
    await mapAll(filters, async (name) => {
      const found = (await all(protocol, list, { artist, name }, "concerts")).map((concert) => concert.name);
      expect([name, found.sort()]).toEqual([name, names.filter((each) => each.includes(name)).sort()]);
    });
  });

  test("hostile keys, tokens and codes are rejected and store nothing", async () => {
    const { id } = await succeed(protocol, create, moonlightJson);
    const { id: bookingId } = await succeed(protocol, book, {
      concert_id: String(id),
      user_id: "nora",
      ticket_count: 1,
    });
    const stored = () =>
      service.database.query(
        `SELECT (SELECT count(*) FROM concerts), (SELECT count(*) FROM bookings WHERE status = 'confirmed')`,
      );
    const before = await stored();
    const refusedFor = async (reason: string, method: string, request: JsonObject) => {
      const answer = await caller.call(protocol, method, request);
      expect([request, answer]).toEqual([request, expect.objectContaining({ ok: false, reason })]);
      expect(findInsides(messageOf(answer))).toBeUndefined();
    };
    const bookTwo = { concert_id: String(id), user_id: "nora", ticket_count: 2 };
    for (const text of hostileTexts) {
      await refusedFor("INVALID_REQUEST", create, { ...moonlightJson, request_id: text });
      await refusedFor("INVALID_REQUEST", create, { ...moonlightJson, currency_code: text });
      await refusedFor("INVALID_REQUEST", book, { ...bookTwo, request_id: text });
      await refusedFor("INVALID_REQUEST", cancel, { id: String(bookingId), user_id: "nora", request_id: text });
      await refusedFor("INVALID_PAGE_TOKEN", list, { page_token: text });
      await refusedFor("INVALID_PAGE_TOKEN", getBookings, { user_id: "nora", page_token: text });
    }
    expect(await stored()).toEqual(before);
  });
});

const messageOf = (answer: JsonAnswer) => (answer.ok ? "" : answer.message);

test("no text enters a response's headers", async () => {
  const send = (path: string, method: string, body?: JsonObject) =>
    sendHttp(service.baseUrl, {
      ...{ path, method, headers: { "content-type": "application/json" } },
      body: body && JSON.stringify(body),
    });
  const { id } = await succeed("REST", create, { ...moonlightJson, total_tickets: 1_000 });
  for (const text of hostileTexts) {
    const [encoded, order] = [encodeURIComponent(text), { concert_id: String(id), user_id: text, ticket_count: 1 }];
    const created = [
      await send("/api/v1/concerts", "POST", { ...moonlightJson, ...everywhere(text) }),
      await send("/api/v1/bookings", "POST", order),
    ];
    for (const { headers } of created) expect(headers.location).toMatch(/^\/api\/v1\/(?:concerts|bookings)\/\d+$/);
    const answers = [
      ...created,
      await send(`/api/v1/concerts?name=${encoded}`, "GET"),
      await send(`/api/v1/bookings?user_id=${encoded}`, "GET"),
      await send(`/api/v1/concerts/${encoded}`, "GET"),
      await send(`/${encoded}`, "GET"),
      await send(`/frontrow.v1.ConcertService/${encoded}`, "POST", {}),
      await send("/frontrow.v1.BookingService/BookTickets", "POST", order),
    ];
    for (const { headers, status } of answers) {
      expect(status).toBeLessThan(500);
      expect(headers).not.toHaveProperty("x-injected");
      // Nor is an answer ever a page that a browser would run.
      expect(headers["content-type"]).toMatch(/^application\/(?:problem\+)?json\b/);
    }
  }
});

test("no text forges or breaks a log line", () => {
  expect(service.lines.length).toBeGreaterThan(hostileTexts.length);
  for (const line of service.lines) {
    expect(line).toMatch(/^\{[^\r\n]*\}\n$/);
    expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/^(?:trace|debug|info)$/) });
  }
});

test("all tables are there, and the invariants hold", () => service.database.checkInvariants());

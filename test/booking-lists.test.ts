/** Lists of a user's and of a concert's bookings, filtered by status. */
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { bookingIdOf, type ConcertId } from "../src/domain/ids.ts";
import { listBookings } from "../src/store/bookings.ts";
import type { DB } from "../src/store/tables.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { succeeded, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { insertConcerts } from "./support/service/stage.ts";

const { getUserBookings, listConcertBookings } = BookingService.method;
const { HELD, CONFIRMED, CANCELLED, EXPIRED, RELEASED } = BookingStatus;

/** How many bookings one call scans for its statuses. */
const stretch = 1_000;

let database: TestDatabase;
let service: TestService;
let client: ProtocolClient;
beforeAll(async () => {
  database = await createTestDatabase();
  service = await startTestService({}, database);
  client = createProtocolClient("Connect binary", service.baseUrl);
});
afterAll(async () => {
  client?.close();
  await service?.close();
  await database?.drop();
});

const newConcert = async (): Promise<ConcertId> => (await insertConcerts(database))[0] ?? expect.unreachable();

/** Stores bookings of one ticket by SQL: so many of each concert. `user` is an SQL expression. */
async function insertBookings(
  concertIds: readonly bigint[],
  status: string,
  count: number,
  user = "'user ' || n",
): Promise<void> {
  await database.query(
    `INSERT INTO bookings (concert_id, user_id, ticket_count, requested_count, unit_price, total_price, currency_code,
       booking_time, request_id, status, hold_expires_time, cancel_request_id)
     SELECT concert_id, ${user}, 1, 1, 10.5, 10.5, 'EUR', now(), gen_random_uuid(), $2::text, '2099-01-01',
       CASE WHEN $2::text = 'cancelled' THEN gen_random_uuid() END
     FROM generate_series(1, $3) AS n, unnest($1::bigint[]) AS concert_id`,
    [concertIds, status, count],
  );
}

type Page = { readonly bookings: readonly { readonly status: BookingStatus }[]; readonly nextPageToken: string };

/** The statuses on each page of a list. */
async function walk(turn: (pageToken: string) => Promise<Page>): Promise<BookingStatus[][]> {
  const pages: BookingStatus[][] = [];
  let pageToken = "";
  do {
    const page = await turn(pageToken);
    pages.push(page.bookings.map(({ status }) => status));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return pages;
}

const ofUser = (userId: string, statuses: BookingStatus[]) => async (pageToken: string) =>
  succeeded(await client.call(getUserBookings, { userId, statuses, pageToken, pageSize: 2 }));
const ofConcert = (concertId: bigint, statuses: BookingStatus[]) => async (pageToken: string) =>
  succeeded(await client.call(listConcertBookings, { concertId, statuses, pageToken, pageSize: 2 }));

describe("statuses", () => {
  const user = "walker";
  let concertId: ConcertId;
  beforeAll(async () => {
    concertId = await newConcert();
    for (const status of ["held", "confirmed", "cancelled", "expired", "released"])
      await insertBookings([concertId], status, 1, `'${user}'`);
  });

  test("of a user are confirmed and cancelled ones, unless the request names others", async () => {
    expect(await walk(ofUser(user, []))).toEqual([[CANCELLED, CONFIRMED]]);
    expect(await walk(ofUser(user, [EXPIRED, HELD, RELEASED]))).toEqual([[RELEASED, EXPIRED], [HELD]]);
    expect(await walk(ofUser(user, [HELD]))).toEqual([[HELD]]);
  });

  test("of a concert are all, unless the request names some", async () => {
    const all = [[RELEASED, EXPIRED], [CANCELLED, CONFIRMED], [HELD]];
    expect(await walk(ofConcert(concertId, []))).toEqual(all);
    expect(await walk(ofConcert(concertId, [HELD, CONFIRMED, CANCELLED, EXPIRED, RELEASED]))).toEqual(all);
    expect(await walk(ofConcert(concertId, [CONFIRMED]))).toEqual([[CONFIRMED]]);
  });

  test("belong to a page token, in any order and however often they are repeated", async () => {
    const { nextPageToken } = await ofConcert(concertId, [HELD, CONFIRMED, EXPIRED])("");
    const page = (statuses: BookingStatus[], id = concertId) =>
      client.call(listConcertBookings, { concertId: id, statuses, pageToken: nextPageToken });
    expect(verdict(await page([EXPIRED, HELD, CONFIRMED, HELD]))).toBe("OK");
    expect(verdict(await page([HELD, CONFIRMED]))).toBe("INVALID_PAGE_TOKEN");
    expect(verdict(await page([]))).toBe("INVALID_PAGE_TOKEN");
    expect(verdict(await page([HELD, CONFIRMED, EXPIRED], await newConcert()))).toBe("INVALID_PAGE_TOKEN");
    const ofThatUser = await client.call(getUserBookings, { userId: String(concertId), pageToken: nextPageToken });
    expect(verdict(ofThatUser)).toBe("INVALID_PAGE_TOKEN");
  });
});

test("a concert without bookings has an empty list, and no concert has none", async () => {
  const concertId = await newConcert();
  expect(await walk(ofConcert(concertId, []))).toEqual([[]]);
  expect(await walk(ofConcert(concertId, [HELD]))).toEqual([[]]);
  expect(verdict(await client.call(listConcertBookings, { concertId: 2n ** 62n }))).toBe("CONCERT_NOT_FOUND");
});

describe("bookings of other statuses between those that a list looks for", () => {
  test("make short pages that continue, and the list is complete", async () => {
    const concertId = await newConcert();
    const user = "'a collector'";
    await insertBookings([concertId], "held", 1, user);
    await insertBookings([concertId], "confirmed", 2 * stretch, user);
    await insertBookings([concertId], "held", 3, user);
    const pages = [[HELD, HELD], [HELD], [], [HELD]];
    expect(await walk(ofConcert(concertId, [HELD]))).toEqual(pages);
    expect(await walk(ofUser("a collector", [HELD]))).toEqual(pages);
  });

  test("may end where a call's scan does: the last page is empty then", async () => {
    const concertId = await newConcert();
    await insertBookings([concertId], "confirmed", stretch - 1);
    await insertBookings([concertId], "held", 1);
    expect(await walk(ofConcert(concertId, [HELD]))).toEqual([[HELD], []]);
  });
});

describe("plans", () => {
  const statements: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
  let pool: pg.Pool;
  let db: Kysely<DB>;
  let crowded: ConcertId;

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: database.url, max: 1 });
    pool.on("error", () => {});
    db = new Kysely({
      dialect: new PostgresDialect({ pool }),
      log: ({ query: { sql, parameters } }) => void statements.push({ sql, parameters }),
    });
    // By the statistics each concert and each user has a hundred bookings, on as many pages.
    const usual = await insertConcerts(database, {}, 500);
    for (let round = 0; round < 10; round++) await insertBookings(usual, "confirmed", 10, "'usual ' || concert_id");
    await database.query("ANALYZE bookings");
    crowded = await newConcert();
    await insertBookings([crowded], "confirmed", 20_000, "'crowd'");
  }, 60_000);
  afterAll(async () => await pool?.end());

  test.each<[string, () => Parameters<typeof listBookings>[1], Parameters<typeof listBookings>[2]]>([
    ["of a user", () => ({ userId: "crowd" }), []],
    ["of a user with statuses", () => ({ userId: "crowd" }), ["held"]],
    ["of a concert", () => ({ concertId: crowded }), []],
    ["of a concert with statuses", () => ({ concertId: crowded }), ["held"]],
  ])("of a list %s read a bounded number of rows, whatever the statistics say", async (_, listed, statuses) => {
    for (const before of [undefined, bookingIdOf(2n ** 62n)]) {
      statements.length = 0;
      await listBookings(db, listed(), statuses, before, 100);
      const [{ sql, parameters } = expect.unreachable()] = statements;
      // PostgreSQL 15 reads a row past the last one.
      expect(await rowsRead(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, parameters)).toBeLessThanOrEqual(stretch + 1);
    }
  });

  /** The most rows that a node of a statement's plan has read. */
  async function rowsRead(explain: string, parameters: readonly unknown[]): Promise<number> {
    const { rows } = await pool.query(explain, [...parameters]);
    const counts = (node: PlanNode): number[] => [
      node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0),
      ...(node.Plans ?? []).flatMap(counts),
    ];
    return Math.max(...counts(rows[0]["QUERY PLAN"][0].Plan));
  }
});

interface PlanNode {
  readonly "Actual Rows": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanNode[];
}

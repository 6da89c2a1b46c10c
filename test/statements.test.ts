/** Every statement names the concert whose rows it reads or changes, so that the tables can be sharded by concert. */
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { deleteEndedHolds, deleteOldBatches } from "../src/store/retention.ts";
import { methods } from "./methods/index.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openDeadline, openStore } from "./support/database/store.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient } from "./support/protocols/protocols.ts";
import { prepareCalls } from "./support/scenario/right-calls.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, userId } from "./support/service/stage.ts";

/** The column by which each table can be sharded. */
const shardKeys: Readonly<Record<string, string>> = {
  concerts: "id",
  bookings: "concert_id",
  audit_entries: "concert_id",
  batches: "concert_id",
};

/** Statements that read the rows of many concerts, and why. */
const exceptions: readonly (readonly [why: string, text: RegExp])[] = [
  ["a booking by its id", /^select [^()]* from "bookings" where "id" = \$1$/],
  [
    "the concerts of bookings by their ids",
    /^select [^()]* from "bookings" where "id" = any\(\$1::bigint\[\]\) and "id" >= \$2 and "id" <= \$3$/,
  ],
  ["a user's bookings of all concerts", / from "bookings" where "user_id" = any\(\$\d::text\[\]\) and /],
  ["lists of concerts by date", /^select \* from \(select [^()]*.* from "concerts" where \("concert_date", "id"\) > /],
  [
    "the concerts with holds that are due",
    /^select distinct "concert_id" from \(select "concert_id" from "bookings" where /,
  ],
  [
    "ended holds that are old enough to be deleted",
    /^with old as \( select concert_id, id from bookings where status in /,
  ],
  ["old evidence of batches", /^with old as \( select concert_id, id from batches where committed_at < /],
];

let database: TestDatabase;
let proxy: PostgresProxy;
let service: TestService;
/** The statements that the service has sent, each with the values that it was last sent with. */
const sent = new Map<string, readonly unknown[]>();
const query = pg.Client.prototype.query;

beforeAll(async () => {
  const run: (this: pg.Client, ...parameters: unknown[]) => unknown = query;
  pg.Client.prototype.query = function (this: pg.Client, ...parameters: unknown[]) {
    // The service's clients are of another class.
    if (this.constructor !== pg.Client) note(parameters);
    return run.apply(this, parameters);
  } as typeof query;
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.url);
  service = await startTestService({}, { ...database, url: proxy.url(database.url) });
  await callEverything();
});
afterAll(async () => {
  pg.Client.prototype.query = query;
  await service?.close();
  await proxy?.close();
  await database?.drop();
});

function note([statement, values]: readonly unknown[]): void {
  const { text, values: own } = typeof statement === "object" && statement ? (statement as pg.QueryConfig) : {};
  sent.set(text ?? String(statement), own ?? (values as readonly unknown[] | undefined) ?? []);
}

/** Has the service send all that it can send: calls of every method, a lost COMMIT, the sweeper and the deletion of old rows. */
async function callEverything(): Promise<void> {
  const stage = createStage(service.baseUrl);
  const calls = await prepareCalls(stage);
  expect(new Set(calls.map(({ method }) => method))).toEqual(new Set(methods));
  for (const call of calls) succeeded((await call.run("Connect JSON", service.baseUrl)).outcome);

  const limited = await stage.concert({ maxTicketsPerUser: 4 });
  await stage.hold(limited);
  const client = createProtocolClient("REST", service.baseUrl);
  const lost = proxy.failNextCommit("answer lost");
  const request = { concertId: limited.id, userId, ticketCount: 1 };
  const [outcome] = await Promise.all([client.call(BookingService.method.bookTickets, request), lost]);
  succeeded(outcome);
  succeeded(
    await client.call(ConcertService.method.listConcerts, { name: "moon", artist: "larks", availableOnly: true }),
  );
  client.close();

  const concert = await stage.concert();
  const { concertId: id } = await stage.hold(concert);
  await database.query("UPDATE bookings SET hold_expires_time = now() WHERE concert_id = $1", [id]);
  await vi.waitFor(async () => {
    const ended = await database.query("SELECT FROM bookings WHERE concert_id = $1 AND status = 'expired'", [id]);
    expect(ended).toHaveLength(1);
  }, 20_000);

  const store = openStore(database.url);
  await store.clean((db) => deleteEndedHolds(db, 0), openDeadline());
  await store.clean((db) => deleteOldBatches(db, 0), openDeadline());
  await store.close();
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

const conditions = ["Index Cond", "Recheck Cond", "Filter", "TID Cond", "Join Filter"] as const;

/** The tables that a plan reads without their shard key: the key is in no condition of the scan. */
function unrestrictedTables(node: PlanNode & Partial<Record<(typeof conditions)[number], string>>): string[] {
  const below = (node.Plans ?? []).flatMap(unrestrictedTables);
  const table = node["Relation Name"] ?? "";
  const key = shardKeys[table];
  if (key === undefined || !node["Node Type"].endsWith("Scan")) return below;
  const isRestricted = conditions.some((name) => new RegExp(`\\b${key} = `).test(node[name] ?? ""));
  return isRestricted ? below : [table, ...below];
}

/** Plans a statement without running it. Without hash and merge joins the conditions of joins are in the scans. */
async function unrestrictedTablesOf(text: string, values: readonly unknown[]): Promise<string[]> {
  const session = await database.connect();
  try {
    await session.query("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off");
    const { rows } = await session.query(`EXPLAIN (VERBOSE, FORMAT JSON) ${text}`, [...values]);
    return unrestrictedTables(rows[0]["QUERY PLAN"][0].Plan);
  } finally {
    await session.end();
  }
}

const readsTables = (text: string) => Object.keys(shardKeys).some((table) => new RegExp(`\\b${table}\\b`).test(text));

test("the statements name the concert, but for those that are about many concerts", async () => {
  const statements = [...sent].filter(([text]) => readsTables(text));
  expect(statements.length).toBeGreaterThan(20);
  const unrestricted: string[] = [];
  for (const [text, values] of statements) {
    if ((await unrestrictedTablesOf(text, values)).length > 0) unrestricted.push(text.replaceAll(/\s+/g, " "));
  }
  const unexplained = unrestricted.filter((text) => !exceptions.some(([, pattern]) => pattern.test(text)));
  expect(unexplained).toEqual([]);
  const unused = exceptions.filter(([, pattern]) => !unrestricted.some((text) => pattern.test(text)));
  expect(unused.map(([why]) => why)).toEqual([]);
});

test("a statement that does not name the concert is found, wherever it reads the table", async () => {
  const values = ["nora"];
  const broken = "SELECT FROM bookings WHERE user_id = $1 AND status = 'held'";
  expect(await unrestrictedTablesOf(broken, values)).toEqual(["bookings"]);
  expect(await unrestrictedTablesOf(`SELECT FROM concerts WHERE id = 7 AND EXISTS (${broken})`, values)).toEqual([
    "bookings",
  ]);
  expect(await unrestrictedTablesOf("DELETE FROM batches WHERE id = $1", [crypto.randomUUID()])).toEqual(["batches"]);
  expect(await unrestrictedTablesOf("UPDATE concerts SET version = 2 WHERE name = $1", values)).toEqual(["concerts"]);
  expect(await unrestrictedTablesOf(`${broken} AND concert_id = 7`, values)).toEqual([]);
});

/** The load test: what it prints, and that it fails for a service that oversells, loses or doubles a booking. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { createClients } from "../bench/loadtest/clients.ts";
import { createTally, rush, type Tally } from "../bench/loadtest/crowd.ts";
import { type LoadTestOptions, readOptions } from "../bench/loadtest/options.ts";
import { isSound, verify, verifySettled } from "../bench/loadtest/verify.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { startProgram } from "./support/process/program.ts";
import { projectRoot } from "./support/project-root.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { insertConcerts } from "./support/service/stage.ts";

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startTestService({}, database);
});
afterEach(() => database.clear());
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await database.drop();
});

function optionsOf(...args: readonly string[]): LoadTestOptions {
  const options = readOptions(["--url", service.baseUrl, ...args], {});
  if (options === undefined) throw new Error("these arguments ask for help");
  return options;
}

/** Copies a booking, for whose ticket no request asked. */
const storeAnother = `
  INSERT INTO bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
  SELECT concert_id, user_id, 1, unit_price, total_price, currency_code, booking_time, gen_random_uuid() FROM bookings LIMIT 1`;

/** Ten users who buy all of 5 tickets. */
async function sellOut() {
  const options = optionsOf("--users", "10", "--requests", "1");
  const [concertId = 0n] = await insertConcerts(database, { total_tickets: 5, available_tickets: 5 });
  const tally = createTally();
  await rush(options, concertId, tally);
  return { concertId, tally, check: (told: Tally = tally) => verify(createClients(options), concertId, told) };
}

test.each(["connect", "grpc", "grpc-web"])(
  "the program drives a rush over %s and prints its table",
  async (protocol) => {
    const script = join(projectRoot, "bench", "loadtest.ts");
    const args = ["--protocol", protocol, "--users", "120", "--tickets", "100", "--requests", "1"];
    const program = startProgram({ LOADTEST_URL: service.baseUrl }, args, { script });
    expect(await program.ended).toBe(0);
    const rows = Object.fromEntries(program.lines.map((line) => line.split(/ {2,}/)));
    expect(rows).toMatchObject({
      ...{ users: "120", tickets: "100", confirmed: "100", "refused: INSUFFICIENT_TICKETS": "20", stored: "100" },
      ...{ "without an answer": "0", oversold: "0", lost: "0", doubled: "0", miscounted: "0" },
    });
  },
);

test("a signal lets the users finish, and the table follows", async () => {
  const script = join(projectRoot, "bench", "loadtest.ts");
  const args = ["--users", "10", "--requests", "100", "--pause", "0.5"];
  const program = startProgram({ LOADTEST_URL: service.baseUrl }, args, { script });
  await vi.waitFor(async () => expect(await database.query("SELECT FROM bookings")).not.toEqual([]), {
    timeout: 20_000,
  });
  expect(await program.stop("SIGTERM")).toBe(0);
  const rows = Object.fromEntries(program.lines.map((line) => line.split(/ {2,}/)));
  expect(rows).toMatchObject({ users: "10", "without an answer": "0", lost: "0", oversold: "0" });
  expect(rows.confirmed).toBe(rows.stored);
});

test("a booking that the service loses ends the program with status 1", async () => {
  const script = join(projectRoot, "bench", "loadtest.ts");
  const args = ["--users", "10", "--requests", "100", "--pause", "0.5"];
  const program = startProgram({ LOADTEST_URL: service.baseUrl }, args, { script });
  const removeOne = "DELETE FROM bookings WHERE id = (SELECT min(id) FROM bookings) RETURNING id";
  await vi.waitFor(async () => expect(await database.query(removeOne)).toHaveLength(1), { timeout: 20_000 });
  expect(await program.stop("SIGTERM")).toBe(1);
  const rows = Object.fromEntries(program.lines.map((line) => line.split(/ {2,}/)));
  expect(rows).toMatchObject({ lost: "1", miscounted: "1", doubled: "0", "without an answer": "0" });
});

test("users send no request after the time limit", async () => {
  const options = optionsOf("--users", "3", "--requests", "100", "--pause", "0.1");
  const [concertId = 0n] = await insertConcerts(database, { total_tickets: 1_000, available_tickets: 1_000 });
  const tally = createTally();
  const limit = new AbortController();
  const rushing = rush(options, concertId, tally, { limit: limit.signal });
  await vi.waitFor(() => expect(tally.confirmed).not.toEqual([]), { timeout: 20_000 });
  limit.abort();
  await rushing;
  // Those that were sent before it.
  expect(tally.unanswered).toBeLessThanOrEqual(3);
  expect(tally.confirmed.length).toBeLessThan(300);
});

test("a failed attempt is counted by its reason, and the number of attempts has a limit", async () => {
  const options = { ...optionsOf("--users", "1", "--requests", "1", "--attempts", "2"), url: "http://127.0.0.1:1" };
  const tally = createTally();
  await rush(options, 1n, tally);
  expect(tally).toMatchObject({ confirmed: [], unanswered: 1 });
  expect(Object.fromEntries(tally.repeated)).toEqual({ Unavailable: 1 });
});

test.each([
  ["an unreachable service", ["--url", "http://127.0.0.1:1"], "ECONNREFUSED"],
  ["a wrong option", ["--users", "0"], "--users: a whole number from 1 to 20000"],
  ["too many attempts", ["--attempts", "101"], "--attempts: a whole number from 1 to 100"],
  ["a pause that is no number", ["--pause", "long"], "--pause: seconds from 0 to 60, such as 0.5"],
])("%s ends the program with status 2 and a sentence", async (_, args, sentence) => {
  const program = startProgram({}, args, { script: join(projectRoot, "bench", "loadtest.ts") });
  expect(await program.ended).toBe(2);
  expect(program.output()).toContain(sentence);
});

test("a rush whose responses are true is sound", async () => {
  const { tally, check } = await sellOut();
  expect(tally.confirmed).toHaveLength(5);
  expect(Object.fromEntries(tally.refused)).toEqual({ INSUFFICIENT_TICKETS: 5 });
  const verdict = await check();
  expect(verdict).toEqual({ stored: 5, oversold: 0, lost: 0, doubled: 0, miscounted: 0 });
  expect(isSound(verdict)).toBe(true);
});

test("a booking that is gone is lost", async () => {
  const { tally, check } = await sellOut();
  await database.query("DELETE FROM bookings WHERE id = $1", [tally.confirmed[0]]);
  expect(await check()).toMatchObject({ stored: 4, lost: 1, miscounted: 1 });
});

test("a stored booking whose response no user received is doubled, and beyond the tickets it is oversold", async () => {
  const { check } = await sellOut();
  await database.query(storeAnother);
  const verdict = await check();
  expect(verdict).toEqual({ stored: 6, oversold: 1, lost: 0, doubled: 1, miscounted: 1 });
  expect(isSound(verdict)).toBe(false);
});

test("a stored booking whose request had no answer is not doubled", async () => {
  const { tally, check } = await sellOut();
  const verdict = await check({ ...tally, confirmed: tally.confirmed.slice(1), unanswered: 1 });
  expect(isSound(verdict)).toBe(true);
});

test("a request without an answer may be stored between the two reads of the verification", async () => {
  const options = optionsOf("--users", "3", "--requests", "1");
  const [concertId = 0n] = await insertConcerts(database, { total_tickets: 5, available_tickets: 5 });
  const tally = createTally();
  await rush(options, concertId, tally);
  const { bookings, concerts } = createClients(options);
  const getConcert = vi.fn<typeof concerts.getConcert>(async (...request) => {
    if (getConcert.mock.calls.length === 1)
      await database.query(
        `WITH late AS (${storeAnother}) UPDATE concerts SET available_tickets = available_tickets - 1`,
      );
    return await concerts.getConcert(...request);
  });
  const verdict = await verifySettled({ bookings, concerts: { ...concerts, getConcert } }, concertId, {
    ...tally,
    unanswered: 1,
  });
  expect(verdict).toEqual({ stored: 4, oversold: 0, lost: 0, doubled: 0, miscounted: 0 });
  expect(getConcert).toHaveBeenCalledTimes(2);
});

test.each(["connect", "grpc", "grpc-web"])(
  "a call by %s to a service that hangs has a time limit",
  async (protocol) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    });
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { bookings, concerts } = createClients({ ...optionsOf("--protocol", protocol), url }, 300);
    const calls = [concerts.createConcert({}), concerts.getConcert({}), bookings.listConcertBookings({})];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: "rejected", reason: { code: Code.DeadlineExceeded } });
    }
  },
);

/** Pages in Chromium, of another origin than the service, that call it by the client libraries that pages use. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { JsonValue } from "@bufbuild/protobuf";
import type { Browser, Page, Response } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type ServedPage, servePage } from "../../examples/browser/serve.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { type Description, describeConcert } from "../support/concerts.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { holdConcert, patientSettings } from "../support/locks.ts";
import { succeeded } from "../support/outcomes.ts";
import { endPrograms, type OpenProgram, startProgram } from "../support/program.ts";
import { createProtocolClient } from "../support/protocols.ts";
import { startRelay } from "../support/relay.ts";
import { projectRoot, type Settings, testEnvironment } from "../support/service.ts";
import { allScopes, bearer, createTokenIssuer, type TokenIssuer, trusting } from "../support/tokens.ts";
import { clientNames, type PageCall, type PageOutcome } from "./browser/calls.ts";

vi.setConfig({ testTimeout: 60_000 });

const executable = findChromium();
if (!executable) process.stderr.write("tests: SKIPPED: the clients in a browser, since there is no `chromium` here\n");

const bookings = "frontrow.v1.BookingService";
const idleTimeoutMs = 1_000;

let issuer: TokenIssuer;
let database: TestDatabase;
/** The page under test, and the one of the example. */
let pages: ServedPage;
let example: ServedPage;
let browser: Browser;
let page: Page;
let service: OpenProgram;
let concertId: bigint;

beforeAll(async () => {
  if (!executable) return;
  issuer = await createTokenIssuer();
  database = await createTestDatabase();
  [pages, example, browser] = await Promise.all([
    servePage(join(import.meta.dirname, "browser"), 0),
    servePage(join(projectRoot, "examples", "browser"), 0),
    launchChromium(executable),
  ]);
  service = await openService({
    APP_CORS_ORIGINS: `${pages.origin},${example.origin}`,
    APP_IDLE_TIMEOUT: `${idleTimeoutMs}ms`,
  });
  page = await browser.newPage();
  await page.goto(pages.origin);
});
afterAll(async () => {
  await browser?.close();
  await endPrograms();
  await Promise.all([pages?.close(), example?.close()]);
  await database?.drop();
});

/** Starts the service with tokens, and a log that has each call. */
async function openService(settings: Settings): Promise<OpenProgram> {
  const program = startProgram(
    testEnvironment(database.url, trusting(issuer, { ...patientSettings, ...settings })),
    [],
    "debug",
  );
  const { restPort } = JSON.parse(await program.line('"restPort"'));
  return { ...program, restPort, baseUrl: `http://127.0.0.1:${restPort}` };
}

async function createConcert(totalTickets: number, changes: Partial<Description> = {}): Promise<bigint> {
  const client = createProtocolClient("Connect JSON", service.baseUrl);
  const headers = bearer(await issuer.sign({ sub: "organizer", scope: allScopes }));
  const description = describeConcert({ totalTickets, ...changes });
  return succeeded(await client.call(ConcertService.method.createConcert, description, { headers })).id;
}

describe.skipIf(!executable).each(clientNames)("%s", (client) => {
  const isConnect = client.startsWith("connect-web: Connect");
  /** Who books: a user of each test. */
  let userId: string;
  let headers: Readonly<Record<string, string>>;
  let calls = 0;

  beforeEach(async () => {
    userId = `user-${randomUUID()}`;
    headers = bearer(await issuer.sign({ sub: userId, scope: "bookings:read bookings:write" }));
    concertId = await createConcert(10);
  });

  /** Starts a call and returns its name. */
  async function start(method: string, request: PageCall["request"], changes: Partial<PageCall> = {}): Promise<string> {
    const name = `call ${++calls}`;
    const call: PageCall = { client, baseUrl: service.baseUrl, method, request, headers, ...changes };
    await page.evaluate(([name, call]) => window.calls.start(name, call), [name, call] as const);
    return name;
  }
  const ended = (name: string): Promise<PageOutcome> => page.evaluate((name) => window.calls.ended(name), name);
  const cancel = (name: string) => page.evaluate((name) => window.calls.cancel(name), name);
  const received = (name: string, count: number): Promise<readonly JsonValue[]> =>
    page.evaluate(([name, count]) => window.calls.received(name, count), [name, count] as const);
  const call = async (...options: Parameters<typeof start>) => ended(await start(...options));

  const request = (changes: PageCall["request"] = {}) => ({
    concertId: String(concertId),
    ticketCount: 2,
    ...changes,
  });
  const book = (changes: Partial<PageCall> = {}) => call(`${bookings}/BookTickets`, request(), changes);
  const listed = async () => {
    const { messages, error } = await call(`${bookings}/GetUserBookings`, {});
    expect(error).toBeUndefined();
    return (messages[0] as { bookings: { id: string; status: string }[] }).bookings;
  };

  test("books, reads that a repeated booking is a replay, lists and cancels", async () => {
    const changes = { headers: { ...headers, "Idempotency-Key": randomUUID() }, timeoutMs: 20_000 };
    const first = await book(changes);
    expect(first).toMatchObject({ messages: [{ userId, ticketCount: 2 }] });
    expect(first.error).toBeUndefined();
    expect(first.headers).not.toHaveProperty("idempotency-replayed");
    const replay = await book(changes);
    expect(replay.messages).toEqual(first.messages);
    expect(replay.headers).toMatchObject({ "idempotency-replayed": "true" });

    const [{ id }] = first.messages as [{ id: string }];
    expect(await listed()).toMatchObject([{ id }]);
    const cancelled = await call(`${bookings}/CancelBooking`, { id });
    expect(cancelled.messages).toMatchObject([{ id, status: "BOOKING_STATUS_CANCELLED" }]);
  });

  test("reads the typed details of errors", async () => {
    const scarce = await call(`${bookings}/BookTickets`, request({ concertId: String(await createConcert(1)) }));
    expect(scarce.error).toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "INSUFFICIENT_TICKETS",
      metadata: { available: "1" },
    });
    const invalid = await call(`${bookings}/BookTickets`, request({ concertId: "-1", ticketCount: 101 }));
    expect(invalid.error).toMatchObject({ code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST" });
    expect(invalid.error?.fields).toEqual(["concert_id", "ticket_count"]);
  });

  test("without a token, the page reads that it is UNAUTHENTICATED", async () => {
    const { error, headers } = await book({ headers: {} });
    expect(error).toMatchObject({ code: "UNAUTHENTICATED", reason: "UNAUTHENTICATED" });
    if (isConnect) expect(headers).toHaveProperty("www-authenticate");
  });

  test("a call with the browser's credentials fails with a code, and nothing is booked", async () => {
    const { error } = await book({ withCredentials: true });
    expect(error?.code).toMatch(/^(UNKNOWN|UNAVAILABLE)$/);
    expect(await listed()).toEqual([]);
  });

  test("a page of an origin that is not configured gets nothing", async () => {
    const other = await browser.newPage();
    await other.goto(pages.origin.replace("localhost", "other.localhost"));
    const call: PageCall = {
      client,
      baseUrl: service.baseUrl,
      method: `${bookings}/BookTickets`,
      request: request(),
      headers,
    };
    await other.evaluate((call) => window.calls.start("foreign", call), call);
    const { error } = await other.evaluate(() => window.calls.ended("foreign"));
    expect(error?.code).toMatch(/^(UNKNOWN|UNAVAILABLE)$/);
    await other.close();
    expect(await listed()).toEqual([]);
  });

  test("reads that the browser decompresses", async () => {
    const answered = page.waitForResponse((response) => response.url().includes("/ListConcerts"));
    const { messages } = await call("frontrow.v1.ConcertService/ListConcerts", { pageSize: 100 });
    expect(messages).toMatchObject([{ concerts: expect.anything() }]);
    const response: Response = await answered;
    expect(response.request().method()).toBe(isConnect ? "GET" : "POST");
    const { "content-encoding": encoding } = await response.allHeaders();
    // gRPC-Web compresses messages, not bodies, and these libraries do not ask for it.
    expect(encoding).toBe(isConnect ? "gzip" : undefined);
  });

  test.runIf(isConnect)("what the browser has kept of a read by GET is used again if it has not changed", async () => {
    const read = async () => {
      const answered = page.waitForResponse((response) => response.url().includes("/GetConcert"));
      const outcome = await call("frontrow.v1.ConcertService/GetConcert", { id: String(concertId) });
      const { responseBodySize } = await (await answered).request().sizes();
      return { outcome, responseBodySize };
    };
    const first = await read();
    expect(first.responseBodySize).toBeGreaterThan(0);
    const second = await read();
    // The browser's request has If-None-Match, and the response is a 304.
    expect(second.responseBodySize).toBe(0);
    expect(second.outcome.messages).toEqual(first.outcome.messages);
  });

  test("calls that are cancelled or late while they wait behind another store nothing", async () => {
    const held = await holdConcert(database, concertId);
    const first = await start(`${bookings}/BookTickets`, request());
    await held.untilWaiting(1);
    const gone = () => service.output().match(/"code":"Canceled"/g)?.length ?? 0;
    const goneBefore = gone();
    const given = await start(`${bookings}/BookTickets`, request());
    const late = await call(`${bookings}/BookTickets`, request(), { timeoutMs: 200 });
    expect(late.error?.code).toBe("DEADLINE_EXCEEDED");
    await cancel(given);
    expect((await ended(given)).error?.code).toBe("CANCELED");
    await expect.poll(gone).toBeGreaterThan(goneBefore);
    await held.release();
    expect((await ended(first)).error).toBeUndefined();
    expect(await listed()).toHaveLength(1);
  });

  test("calls again when the service has closed the idle connection", async () => {
    const relay = await startRelay(service.baseUrl);
    expect((await book({ baseUrl: relay.baseUrl })).error).toBeUndefined();
    const before = relay.opened;
    await expect.poll(() => relay.closedByServer, { timeout: 20 * idleTimeoutMs }).toBe(before);
    expect((await book({ baseUrl: relay.baseUrl })).error).toBeUndefined();
    expect(relay.opened).toBeGreaterThan(before);
    await relay.close();
  });

  describe("while the service stops", () => {
    let stopping: OpenProgram;
    afterEach(async () => {
      stopping?.signal("SIGKILL");
      await stopping?.ended;
    });

    // In binary mode Google's library shows a stream's messages when the stream ends.
    test.skipIf(client === "grpc-web: binary")("a watch has been told so before it ends", async () => {
      stopping = await openService({});
      const { baseUrl } = stopping;
      const watch = await start("grpc.health.v1.Health/Watch", {}, { baseUrl, headers: {} });
      expect(await received(watch, 1)).toEqual([{ status: "SERVING" }]);
      stopping.signal("SIGTERM");
      const { messages, error } = await ended(watch);
      expect(messages).toEqual([{ status: "SERVING" }, { status: "NOT_SERVING" }]);
      expect(error).toBeUndefined();
    });

    test("a call in flight is answered, and a later one fails with a code", async () => {
      stopping = await openService({});
      const { baseUrl } = stopping;
      const held = await holdConcert(database, concertId);
      const inFlight = await start(`${bookings}/BookTickets`, request(), { baseUrl });
      await held.untilWaiting(1);
      stopping.signal("SIGTERM");
      await stopping.line(`"msg":"draining"`);
      await held.release();
      expect(await ended(inFlight)).toMatchObject({ messages: [{ userId }] });
      expect(await stopping.ended).toBe(0);
      expect((await book({ baseUrl })).error?.code).toMatch(/^(UNKNOWN|UNAVAILABLE)$/);
    });

    test("a call that outlasts the grace period is told so", async () => {
      stopping = await openService({ APP_SHUTDOWN_TIMEOUT: "100ms" });
      const held = await holdConcert(database, concertId);
      const inFlight = await start(`${bookings}/BookTickets`, request(), { baseUrl: stopping.baseUrl });
      await held.untilWaiting(1);
      stopping.signal("SIGTERM");
      expect((await ended(inFlight)).error).toMatchObject({ code: "UNAVAILABLE", reason: "SHUTTING_DOWN" });
      await held.release();
    });
  });
});

describe.skipIf(!executable).each(["grpc-web", "connect"])("the example, by %s", (protocol) => {
  test("searches, books, and shows why a booking is refused", async () => {
    const artist = `Artist ${randomUUID()}`;
    await createConcert(3, { artist, name: "Long Evening" });
    const shown = await browser.newPage();
    await shown.goto(example.origin);
    await shown.fill("[name=baseUrl]", service.baseUrl);
    await shown.fill("[name=token]", await issuer.sign({ sub: "alice", scope: "bookings:read bookings:write" }));
    await shown.fill("[name=artist]", artist);
    await shown.selectOption("[name=protocol]", protocol);
    await shown.click("text=Search");
    await shown.getByText("1 concert", { exact: true }).waitFor();
    await shown.getByLabel("Tickets for Long Evening").fill("2");
    await shown.getByRole("button", { name: "Book" }).click();
    await shown.getByText(/^Booking \d+: 2 for Long Evening$/).waitFor();
    await shown.getByRole("button", { name: "Book" }).click();
    await shown.getByText("only 1 tickets are left", { exact: true }).waitFor();
    await shown.close();
  });
});

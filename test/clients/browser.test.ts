/** Pages in Chromium, of another origin than the service, that call it by the client libraries that pages use. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type ServedPage, servePage } from "../../examples/browser/serve.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { allScopes, bearer, createTokenIssuer, type TokenIssuer, trusting } from "../support/auth/tokens.ts";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { holdConcert, holdLock, patientSettings } from "../support/database/locks.ts";
import { endChildren } from "../support/process/child-process.ts";
import { type OpenProgram, openProgram } from "../support/process/program.ts";
import { projectRoot } from "../support/project-root.ts";
import { succeeded } from "../support/protocols/outcomes.ts";
import { createProtocolClient } from "../support/protocols/protocols.ts";
import { type Settings, testEnvironment } from "../support/service/service.ts";
import { type Description, describeConcert } from "../support/service/stage.ts";
import { type Caller, createCaller } from "./browser/caller.ts";
import { type ClientName, clientNames } from "./browser/calls.ts";
import { findChromium, launchChromium } from "./support/chromium.ts";
import { startWire } from "./support/wire.ts";

vi.setConfig({ testTimeout: 60_000 });

const executable = findChromium({ skipped: "the clients in a browser" });

const bookings = "frontrow.v1.BookingService";
const concerts = "frontrow.v1.ConcertService";
/** How each library reports that it could not reach the service, or that the browser withholds the response. */
const unreachable = /^(UNKNOWN|UNAVAILABLE)$/;
const isConnect = (client: ClientName) => client.startsWith("connect-web: Connect");

let issuer: TokenIssuer;
let database: TestDatabase;
/** The page under test, and the one of the example. */
let pages: ServedPage;
let example: ServedPage;
let browser: Browser;
let page: Page;
let service: OpenProgram;

beforeAll(async () => {
  if (!executable) return;
  issuer = await createTokenIssuer();
  database = await createTestDatabase();
  [pages, example, browser] = await Promise.all([
    servePage(join(import.meta.dirname, "browser"), 0),
    servePage(join(projectRoot, "examples", "browser"), 0),
    launchChromium(executable),
  ]);
  service = await openService({ APP_CORS_ORIGINS: `${pages.origin},${example.origin}` });
  page = await openPage(pages.origin);
});
afterAll(async () => {
  await browser?.close();
  await endChildren();
  await Promise.all([pages?.close(), example?.close()]);
  await database?.drop();
});

/** Starts the service with tokens, a log that has each call, and connections for a transaction of every library at once. */
async function openService(settings: Settings): Promise<OpenProgram> {
  const changes = { ...patientSettings, APP_DATABASE_POOL_SIZE: "20", ...settings };
  const environment = testEnvironment(database.url, trusting(issuer, changes));
  return await openProgram(environment, [], { logLevel: "debug" });
}

async function openPage(origin: string): Promise<Page> {
  const opened = await browser.newPage();
  await opened.goto(origin);
  return opened;
}

async function createConcert(changes: Partial<Description> = {}): Promise<bigint> {
  const client = createProtocolClient("Connect JSON", service.baseUrl);
  const headers = bearer(await issuer.sign({ sub: "organizer", scope: allScopes }));
  return succeeded(await client.call(ConcertService.method.createConcert, describeConcert(changes), { headers })).id;
}

/** A new user of a library, at the page and the service unless said otherwise. */
async function newCaller(client: ClientName, concertId: bigint, { baseUrl = service.baseUrl, at = page } = {}) {
  const headers = bearer(await issuer.sign({ sub: `user ${randomUUID()}`, scope: "bookings:read bookings:write" }));
  return createCaller(at, { client, baseUrl, headers, concertId });
}

describe.skipIf(!executable).each(clientNames)("%s", (client) => {
  let concertId: bigint;
  let caller: Caller;
  beforeEach(async () => {
    concertId = await createConcert({ totalTickets: 10 });
    caller = await newCaller(client, concertId);
  });

  test("books, reads that a repeated booking is a replay, lists and cancels", async () => {
    const changes = { headers: { ...caller.headers, "Idempotency-Key": randomUUID() }, timeoutMs: 20_000 };
    const first = await caller.book(changes);
    expect(first.error).toBeUndefined();
    expect(first.messages).toMatchObject([{ ticketCount: 2 }]);
    expect(first.headers).not.toHaveProperty("idempotency-replayed");
    const replay = await caller.book(changes);
    expect(replay.messages).toEqual(first.messages);
    expect(replay.headers).toMatchObject({ "idempotency-replayed": "true" });

    const [{ id }] = first.messages as [{ id: string }];
    expect(await caller.listed()).toMatchObject([{ id }]);
    const cancelled = await caller.call(`${bookings}/CancelBooking`, { id });
    expect(cancelled.messages).toMatchObject([{ id, status: "BOOKING_STATUS_CANCELLED" }]);
  });

  test("reads the typed details of errors", async () => {
    const scarce = await caller.book({}, { concertId: String(await createConcert({ totalTickets: 1 })) });
    expect(scarce.error).toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "INSUFFICIENT_TICKETS",
      metadata: { available: "1" },
    });
    const invalid = await caller.book({}, { concertId: "-1", ticketCount: 101 });
    expect(invalid.error).toMatchObject({ code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST" });
    expect(invalid.error?.fields).toEqual(["concert_id", "ticket_count"]);
  });

  test("a call without a token fails with UNAUTHENTICATED", async () => {
    const { error, headers } = await caller.book({ headers: {} });
    expect(error).toMatchObject({ code: "UNAUTHENTICATED", reason: "UNAUTHENTICATED" });
    if (isConnect(client)) expect(headers).toHaveProperty("www-authenticate");
  });

  test("a call with the browser's credentials fails with a code, and nothing is booked", async () => {
    const { error } = await caller.book({ withCredentials: true });
    expect(error?.code).toMatch(unreachable);
    expect(await caller.listed()).toEqual([]);
  });

  test("a page of an origin that is not configured cannot book", async () => {
    const foreign = await openPage(pages.origin.replace("localhost", "other.localhost"));
    const stranger = createCaller(foreign, { client, baseUrl: service.baseUrl, headers: caller.headers, concertId });
    expect((await stranger.book()).error?.code).toMatch(unreachable);
    expect(await caller.listed()).toEqual([]);
    await foreign.close();
  });

  test("reads compressed responses", async () => {
    const answered = page.waitForResponse((response) => response.url().includes("/ListConcerts"));
    const { messages } = await caller.call(`${concerts}/ListConcerts`, { pageSize: 100 });
    expect(messages).toMatchObject([{ concerts: expect.anything() }]);
    const response = await answered;
    expect(response.request().method()).toBe(isConnect(client) ? "GET" : "POST");
    const { "content-encoding": encoding } = await response.allHeaders();
    // gRPC-Web compresses messages, not bodies, and these libraries do not ask for it.
    expect(encoding).toBe(isConnect(client) ? "gzip" : undefined);
  });

  test("calls that are cancelled or time out in the queue store nothing", async () => {
    const held = await holdConcert(database, concertId);
    const first = await caller.startBooking();
    await held.untilWaiting(1);
    const ended = () => service.output().match(/"code":"(?:Canceled|DeadlineExceeded)"/g)?.length ?? 0;
    const endedBefore = ended();
    const late = await caller.book({ timeoutMs: 200 });
    expect(late.error?.code).toBe("DEADLINE_EXCEEDED");
    await expect.poll(ended, { timeout: 20_000 }).toBe(endedBefore + 1);
    const cancelled = await caller.startBooking();
    await cancelled.cancel();
    expect((await cancelled.ended()).error?.code).toBe("CANCELED");
    // Before the service has seen it, the call could still be booked.
    await expect.poll(ended, { timeout: 20_000 }).toBe(endedBefore + 2);
    await held.release();
    expect((await first.ended()).error).toBeUndefined();
    expect(await caller.listed()).toHaveLength(1);
  });
});

test.skipIf(!executable).each(clientNames.filter(isConnect))(
  "%s: a read by GET that the browser has kept is used again if it is unchanged",
  async (client) => {
    const concertId = await createConcert();
    const caller = await newCaller(client, concertId);
    const read = async () => {
      const answered = page.waitForResponse((response) => response.url().includes("/GetConcert"));
      const { messages } = await caller.call(`${concerts}/GetConcert`, { id: String(concertId) });
      const { responseBodySize } = await (await answered).request().sizes();
      return { messages, responseBodySize };
    };
    const first = await read();
    expect(first.responseBodySize).toBeGreaterThan(0);
    // The browser's request has If-None-Match, and the response is a 304.
    expect(await read()).toEqual({ messages: first.messages, responseBodySize: 0 });
  },
);

describe.skipIf(!executable)("every library at one service", () => {
  /** A caller for each library, each with another concert to book. */
  const callersAt = (baseUrl: string, concertIds: readonly bigint[], at = page) =>
    Promise.all(clientNames.map((client, index) => newCaller(client, concertIds[index] ?? 0n, { baseUrl, at })));
  const holdAll = (concertIds: readonly bigint[]) =>
    holdLock(database, "SELECT id FROM concerts WHERE id = ANY ($1) FOR UPDATE", [concertIds]);
  let concertIds: bigint[];
  beforeEach(async () => {
    concertIds = await Promise.all(clientNames.map(() => createConcert()));
  });

  test("calls again when the service has closed the idle connection", async () => {
    await using impatient = await openService({ APP_IDLE_TIMEOUT: "500ms" });
    const wire = await startWire(impatient.baseUrl);
    const callers = await callersAt(`http://${wire.address}`, concertIds);
    for (const caller of callers) expect((await caller.book()).error).toBeUndefined();
    const left = () => wire.counts().connections - wire.counts().closedByServer;
    await expect.poll(left, { timeout: 30_000 }).toBe(0);
    const before = wire.counts().connections;
    for (const caller of callers) expect((await caller.book()).error).toBeUndefined();
    expect(wire.counts().connections).toBeGreaterThan(before);
    await wire.close();
    await impatient.stop();
  });

  test("while the service drains, watches end, calls in flight are answered, and new calls fail with a code", async () => {
    const draining = await openService({});
    const watchers = await callersAt(draining.baseUrl, concertIds);
    // In binary mode Google's library delivers a stream's messages when the stream has ended.
    const early = watchers.filter((_, index) => clientNames[index] !== "grpc-web: binary");
    const watches = await Promise.all(early.map((caller) => caller.start("grpc.health.v1.Health/Watch", {})));
    for (const watch of watches) expect(await watch.received(1)).toEqual([{ status: "SERVING" }]);
    // Another page: Chromium has at most six connections to a server for each profile, and watches hold four.
    const other = await openPage(pages.origin);
    const callers = await callersAt(draining.baseUrl, concertIds, other);
    const held = await holdAll(concertIds);
    const inFlight = await Promise.all(callers.map((caller) => caller.startBooking()));
    await held.untilWaiting(inFlight.length);

    draining.signal("SIGTERM");
    for (const watch of watches) {
      const { messages, error } = await watch.ended();
      expect([messages, error]).toEqual([[{ status: "SERVING" }, { status: "NOT_SERVING" }], undefined]);
    }
    await held.release();
    for (const call of inFlight) expect(await call.ended()).toMatchObject({ messages: [{ ticketCount: 2 }] });
    expect(await draining.ended).toBe(0);
    for (const caller of callers) expect((await caller.book()).error?.code).toMatch(unreachable);
    await other.close();
  });

  test("calls that outlast the grace period end with UNAVAILABLE and the reason", async () => {
    const ending = await openService({ APP_SHUTDOWN_TIMEOUT: "100ms" });
    const callers = await callersAt(ending.baseUrl, concertIds);
    const held = await holdAll(concertIds);
    const inFlight = await Promise.all(callers.map((caller) => caller.startBooking()));
    await held.untilWaiting(inFlight.length);
    ending.signal("SIGTERM");
    for (const call of inFlight) {
      expect((await call.ended()).error).toMatchObject({ code: "UNAVAILABLE", reason: "SHUTTING_DOWN" });
    }
    await held.release();
  });
});

describe.skipIf(!executable).each(["grpc-web", "connect"])("the example, by %s", (protocol) => {
  /** The example with the one concert of an artist. */
  async function openSearch(artist: string): Promise<Page> {
    const shown = await openPage(example.origin);
    await shown.fill("[name=baseUrl]", service.baseUrl);
    await shown.fill("[name=token]", await issuer.sign({ sub: "alice", scope: "bookings:read bookings:write" }));
    await shown.fill("[name=artist]", artist);
    await shown.selectOption("[name=protocol]", protocol);
    await shown.click("text=Search");
    await shown.getByText("1 concert", { exact: true }).waitFor();
    return shown;
  }

  test("searches, books, and shows why a booking is refused", async () => {
    const artist = `Artist ${randomUUID()}`;
    await createConcert({ totalTickets: 3, artist, name: "Long Evening" });
    const shown = await openSearch(artist);
    await shown.getByLabel("Tickets for Long Evening").fill("2");
    await shown.getByRole("button", { name: "Book" }).click();
    await shown.getByText(/^Booking \d+: 2 for Long Evening$/).waitFor();
    await shown.getByRole("button", { name: "Book" }).click();
    await shown.getByText("only 1 ticket is left", { exact: true }).waitFor();
    await shown.close();
  });

  test("holds tickets, releases and confirms them, and lets a hold expire", async () => {
    const artist = `Artist ${randomUUID()}`;
    await createConcert({ totalTickets: 3, artist, name: "Long Evening" });
    const shown = await openSearch(artist);
    for (const [end, left] of Object.entries({ Release: 3, Confirm: 2, expire: 2 })) {
      if (end === "expire") await shown.clock.install();
      await shown.getByRole("button", { name: "Hold" }).click();
      await shown.getByText(/^Hold \d+ for Long Evening: \d+ s left$/).waitFor();
      if (end === "expire") await shown.clock.fastForward("20:00");
      else {
        await shown.getByRole("button", { name: end }).click();
        await shown.getByText(new RegExp(`^Booking \\d+: 1 for Long Evening ${end.toLowerCase()}e?d$`)).waitFor();
      }
      await shown.locator("td.number", { hasText: new RegExp(`^${left}$`) }).waitFor();
      expect(await shown.getByText("s left").count()).toBe(0);
    }
    await shown.close();
  });
});

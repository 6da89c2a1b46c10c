/** How much of a queue one caller may fill, so that a program with a thousand connections leaves room for others. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { BookingService, type BookTicketsRequestSchema } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { signDevToken } from "../src/auth/dev-key.ts";
import { bearer, createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { type HeldLock, holdConcert, holdLock, patientSettings, queueUp } from "./support/database/locks.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { succeeded, tally, verdict } from "./support/protocols/outcomes.ts";
import {
  createProtocolClient,
  type Outcome,
  type Protocol,
  type ProtocolClient,
} from "./support/protocols/protocols.ts";
import { protocolsOf } from "./support/scenario/matrix.ts";
import { restCall } from "./support/service/rest.ts";
import { type Settings, startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlight } from "./support/service/stage.ts";

const { bookTickets, cancelBooking, getUserBookings } = BookingService.method;
const { createConcert } = ConcertService.method;
const share = 5;
const wait = { timeout: 10_000, interval: 5 };
const refusal = {
  ok: false,
  code: "RESOURCE_EXHAUSTED",
  reason: "RATE_LIMITED",
  message: "at most 5 bookings, holds and cancels of one caller can be unfinished: wait for a response",
  metadata: {},
  violations: [],
  retryDelayMs: 1_000,
};

let service: TestService;
let clients: ProtocolClient[];

async function start(settings: Settings = {}): Promise<void> {
  service = await startTestService({
    ...patientSettings,
    APP_MAX_UNFINISHED_PER_CALLER: String(share),
    ...settings,
  });
  const { baseUrl, grpcUrl } = service;
  const kinds: readonly Protocol[] = ["REST", "Connect JSON", "gRPC"];
  clients = kinds.map((protocol) => createProtocolClient(protocol, protocol === "gRPC" ? grpcUrl : baseUrl));
}
afterEach(async () => {
  for (const client of clients) client.close();
  await service.close();
});

type Order = MessageInitShape<typeof BookTicketsRequestSchema>;
type Headers = Readonly<Record<string, string>>;

/** The protocols in turn. */
let turn = 0;
function book(order: Partial<Order>, headers: Headers = {}): Promise<Outcome<unknown>> {
  const client = clients[turn++ % clients.length] as ProtocolClient;
  return client.call(bookTickets, { ticketCount: 1, ...order } as Order, { headers });
}

/** A concert whose row the test has locked, with a booking of "first" that waits for it. */
async function standStill() {
  const { id: concertId } = await createStage(service.baseUrl).concert();
  return { concertId, ...(await hold(concertId, () => book({ concertId, userId: "first" }))) };
}

async function hold<Answer>(
  concertId: bigint,
  makeFirst: () => Promise<Answer>,
): Promise<{ held: HeldLock; first: Promise<Answer> }> {
  const held = await holdConcert(service.database, concertId, [service]);
  onTestFinished(() => held.release().catch(() => {}));
  const first = makeFirst();
  await held.untilWaiting(1);
  return { held, first };
}

/** Fails unless a caller can use its whole share, and no more. */
async function expectWholeShare(userId: string): Promise<void> {
  const { concertId, held, first } = await standStill();
  const used = Array.from({ length: share }, () => book({ concertId, userId }));
  await held.untilWaiting(1 + share);
  expect(await book({ concertId, userId })).toEqual(refusal);
  await held.release();
  expect(tally(await Promise.all([first, ...used]))).toEqual({ OK: 1 + share });
}

describe("in one queue", () => {
  beforeEach(() => start());

  it("a caller beyond its share is rejected at once, and others are served", async () => {
    const { concertId, held, first } = await standStill();
    const refused: Outcome<unknown>[] = [];
    const greedy = Array.from({ length: 60 }, async () => {
      const outcome = await book({ concertId, userId: "greedy" });
      if (!outcome.ok) refused.push(outcome);
      return outcome;
    });
    const surplus = 60 - share;
    await vi.waitFor(() => expect(refused).toHaveLength(surplus), wait);
    for (const outcome of refused) expect(outcome).toEqual(refusal);
    const person = book({ concertId, userId: "person" });
    await held.untilWaiting(1 + share + 1);
    await held.release();

    expect(verdict(await person)).toBe("OK");
    expect(verdict(await first)).toBe("OK");
    expect(tally(await Promise.all(greedy))).toEqual({ OK: share, RATE_LIMITED: surplus });
    const [stored] = await service.database.query("SELECT count(*)::int FROM bookings WHERE user_id = 'greedy'");
    expect(stored).toEqual({ count: share });
  });

  it("bookings and cancels count together, by every protocol, and reads do not count", async () => {
    const stage = createStage(service.baseUrl);
    const userId = "greedy";
    const concert = await stage.concert();
    const bookings = [await stage.booking(concert, { userId }), await stage.booking(concert, { userId })];
    const { held, first } = await hold(concert.id, () => book({ concertId: concert.id, userId: "first" }));
    const cancels = bookings.map(({ id }) => (clients[0] as ProtocolClient).call(cancelBooking, { id, userId }));
    const booked = Array.from({ length: share - 2 }, () => book({ concertId: concert.id, userId }));
    await held.untilWaiting(1 + share);

    for (const protocol of protocolsOf(bookTickets)) {
      const order = { concertId: concert.id, userId, ticketCount: 1 };
      const answer = await callOnce(protocol, service.baseUrl, bookTickets, order);
      expect(answer.outcome).toEqual(refusal);
      if (protocol === "REST") expect(answer.exchange?.status).toBe(429);
      const cancel = await callOnce(protocol, service.baseUrl, cancelBooking, { id: 1n, userId });
      expect(cancel.outcome).toEqual(refusal);
      expect(verdict((await callOnce(protocol, service.baseUrl, getUserBookings, { userId })).outcome)).toBe("OK");
    }
    await held.release();
    expect(tally(await Promise.all([first, ...cancels, ...booked]))).toEqual({ OK: 1 + share });
  });
});

describe("a caller can use its whole share again", () => {
  const userId = "eve";
  beforeEach(() => start());

  it("after bookings that were made, and after rejected ones", async () => {
    const { id: concertId } = await createStage(service.baseUrl).concert({ totalTickets: 10 });
    const orders: readonly (readonly [string, Partial<Order>])[] = [
      ["OK", { concertId }],
      ["CONCERT_NOT_FOUND", { concertId: 999_999n }],
      ["INVALID_REQUEST", { concertId: 0n }],
      ["TICKET_LIMIT_EXCEEDED", { concertId, ticketCount: 100 }],
      ["INSUFFICIENT_TICKETS", { concertId, ticketCount: 10 }],
    ];
    for (let round = 0; round <= share; round++) {
      for (const [expected, order] of orders) expect(verdict(await book({ ...order, userId }))).toBe(expected);
    }
    await expectWholeShare(userId);
  });

  it("after bookings that it cancelled", async () => {
    const { concertId, held, first } = await standStill();
    const caller = new AbortController();
    const hangUp: typeof fetch = (input, init) => fetch(input, { ...init, signal: caller.signal });
    const request = { concert_id: String(concertId), user_id: userId, ticket_count: 1 };
    const gone = Array.from({ length: share }, () =>
      restCall(service.baseUrl, "BookingService.BookTickets", request, { fetch: hangUp }).catch(() => "hung up"),
    );
    await held.untilWaiting(1 + share);
    caller.abort();
    expect(await Promise.all(gone)).toEqual(gone.map(() => "hung up"));
    expect(await book({ concertId, userId }), "they wait in the queue until their turn").toEqual(refusal);
    await held.release();
    await first;
    // A later call is served after them.
    await book({ concertId, userId: "last" });
    await expectWholeShare(userId);
  });

  it("after bookings whose deadline passed", async () => {
    const { concertId, held, first } = await standStill();
    const late = Array.from({ length: share }, () =>
      book({ concertId, userId }, { "connect-timeout-ms": "1000", "grpc-timeout": "1S" }),
    );
    expect(tally(await Promise.all(late))).toEqual({ DEADLINE_EXCEEDED: share });
    await held.release();
    await first;
    await book({ concertId, userId: "last" });
    await expectWholeShare(userId);
  });

  it("after bookings that failed in the database", async () => {
    const { concertId, held, first } = await standStill();
    const waiting = Array.from({ length: share }, () => book({ concertId, userId }));
    await held.untilWaiting(1 + share);
    await held.query("ALTER TABLE bookings RENAME TO hidden_bookings");
    await held.release();
    expect(tally(await Promise.all([first, ...waiting]))).toEqual({ INTERNAL: 1 + share });
    await service.database.query("ALTER TABLE hidden_bookings RENAME TO bookings");
    await expectWholeShare(userId);
  });
});

describe("with tokens", () => {
  it("a caller is the subject of its tokens, for whichever user it books", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "frontrow-share-"));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    await start({ APP_AUTH_MODE: "dev", APP_DATA_DIR: dataDir });
    const scope = "concerts:write bookings:write bookings:admin";
    const show = async (subject: string, lifetime = "1h") => {
      const token = await signDevToken(dataDir, { subject, scope, lifetime });
      return { Authorization: `Bearer ${token}` };
    };
    const [greedy, greedyToo, person] = [await show("greedy"), await show("greedy", "2h"), await show("person")];
    const created = await callOnce("REST", service.baseUrl, createConcert, moonlight, { headers: person });
    const { id: concertId } = succeeded(created.outcome);
    const { held, first } = await hold(concertId, () => book({ concertId }, greedy));
    const more = Array.from({ length: share - 1 }, (_, index) =>
      book({ concertId, userId: `friend-${index}` }, index % 2 === 0 ? greedy : greedyToo),
    );
    await held.untilWaiting(share);
    expect(await book({ concertId, userId: "one more friend" }, greedyToo)).toEqual(refusal);
    const served = book({ concertId, userId: "greedy" }, person);
    await held.untilWaiting(share + 1);
    await held.release();
    expect(tally(await Promise.all([first, ...more, served]))).toEqual({ OK: share + 1 });
  });

  it("a cancel counts before its booking's owner is read", async () => {
    const issuer = await createTokenIssuer();
    // So that all of the share can look at once.
    await start({ ...trusting(issuer), APP_DATABASE_POOL_SIZE: "20" });
    const organizer = bearer(await issuer.sign({ sub: "olga", scope: "concerts:write" }));
    const headers = bearer(await issuer.sign({ sub: "greedy", scope: "bookings:write" }));
    const created = await callOnce("REST", service.baseUrl, createConcert, moonlight, { headers: organizer });
    const { id: concertId } = succeeded(created.outcome);
    const bookings = await Promise.all(
      Array.from({ length: share }, async () => succeeded(await book({ concertId }, headers)) as { id: bigint }),
    );
    const cancel = (protocol: Protocol, id: bigint) =>
      callOnce(protocol, protocol === "gRPC" ? service.grpcUrl : service.baseUrl, cancelBooking, { id }, { headers });

    const held = await holdLock(service.database, "LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE");
    onTestFinished(() => held.release().catch(() => {}));
    // One after the other: lookups of the same turn of the event loop are one statement.
    const looking = await queueUp(
      held,
      bookings.map(
        ({ id }) =>
          () =>
            cancel("REST", id),
      ),
    );
    for (const protocol of protocolsOf(cancelBooking)) {
      expect((await cancel(protocol, 999_999n)).outcome, protocol).toEqual(refusal);
    }
    await held.release();
    expect(tally((await Promise.all(looking)).map(({ outcome }) => outcome))).toEqual({ OK: share });
    const absent = await cancel("REST", 999_999n);
    expect(verdict(absent.outcome)).toBe("BOOKING_NOT_FOUND");
  });
});

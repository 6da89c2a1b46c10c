/** Deadlines, set by the client or by the service. A call whose client has stopped waiting stores nothing. */
import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, createConnectTransport as createNodeConnectTransport } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { type HeldLock, holdConcert, holdLock, patientSettings } from "./support/database/locks.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { connectMcp } from "./support/protocols/mcp.ts";
import { verdict } from "./support/protocols/outcomes.ts";
import type { Protocol } from "./support/protocols/protocols.ts";
import { protocolsOf } from "./support/scenario/matrix.ts";
import { restCall } from "./support/service/rest.ts";
import { type Settings, startTestService, type TestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

const { bookTickets } = BookingService.method;
const writeProtocols = protocolsOf(bookTickets);

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await observe(patientSettings);
});
afterAll(async () => {
  await service.close();
  await database.drop();
});

const observe = (settings: Settings) => startTestService(settings, database, "debug");

/**
 * A concert whose row the test has locked, with a call that waits for it, so that later calls queue behind that call. It
 * asks for too many tickets, so that its turn changes nothing.
 */
async function standStill({ baseUrl, queuedRequests }: TestService) {
  const { id: concertId } = await createStage(baseUrl).concert();
  const held: HeldLock = await holdConcert(database, concertId, [{ queuedRequests }]);
  onTestFinished(() => held.release().catch(() => {}));
  const book = async (userId: string, protocol: Protocol = "REST", headers: Record<string, string> = {}, count = 1) => {
    const request = { concertId, userId, ticketCount: count };
    return (await callOnce(protocol, baseUrl, bookTickets, request, { headers })).outcome;
  };
  const first = book("first", "REST", {}, 100);
  await held.untilWaiting(1);
  /** Lets all go on; resolves with who has a booking once the queue is empty. */
  const goOn = async (lastHeld = held) => {
    await lastHeld.release();
    expect(verdict(await first)).toBe("TICKET_LIMIT_EXCEEDED");
    expect(verdict(await book("last"))).toBe("OK");
    const rows = await database.query<{ user_id: string }>(
      "SELECT user_id FROM bookings WHERE concert_id = $1 ORDER BY id",
      [concertId],
    );
    return rows.map((row) => row.user_id);
  };
  return { concertId, held, book, goOn };
}

/** The timeout in the protocol's header, so that the service enforces it and not the client. */
function timeout(protocol: Protocol, grpc: string, milliseconds: string): Record<string, string> {
  return protocol.startsWith("gRPC") ? { "grpc-timeout": grpc } : { "connect-timeout-ms": milliseconds };
}

const tooLate = {
  ok: false,
  code: "DEADLINE_EXCEEDED",
  reason: "DEADLINE_EXCEEDED",
  message: "the deadline passed before the request began; nothing was stored",
};

describe("a booking whose deadline passes in the queue is never made", () => {
  it("by the client's timeout, by every protocol", async () => {
    const { book, goOn } = await standStill(service);
    const late = writeProtocols.map((protocol) => book(`late ${protocol}`, protocol, timeout(protocol, "1S", "1000")));
    for (const outcome of await Promise.all(late)) expect(outcome).toMatchObject(tooLate);
    expect(await goOn()).toEqual(["last"]);
  });

  it("by the service's timeout, even if the client's is longer", async () => {
    await using impatient = await observe({ ...patientSettings, APP_REQUEST_TIMEOUT: "1s" });
    const { id: concertId } = await createStage(impatient.baseUrl).concert();
    const held = await holdConcert(database, concertId);
    const outcomes = await Promise.all(
      [...writeProtocols, ...writeProtocols].map((protocol, index) => {
        const headers = index < writeProtocols.length ? {} : timeout(protocol, "99999999H", "9999999999");
        const request = { concertId, userId: `user-${index}`, ticketCount: 1 };
        return callOnce(protocol, impatient.baseUrl, bookTickets, request, { headers });
      }),
    ).finally(() => held.release());
    for (const { outcome } of outcomes) expect(outcome).toMatchObject({ ok: false, reason: "DEADLINE_EXCEEDED" });
  });
});

describe("a client's timeout longer than the service's has no effect", () => {
  const longest = [
    ["99999999H", "9999999999"],
    ["99999999S", "2147483648"],
    ["600M", "36000000"],
  ] as const;

  it.each(writeProtocols)("by %s", async (protocol) => {
    const { id: concertId } = await createStage(service.baseUrl).concert();
    for (const [grpc, milliseconds] of longest) {
      const headers = timeout(protocol, grpc, milliseconds);
      const request = { concertId, userId: "nora", ticketCount: 1 };
      const { outcome } = await callOnce(protocol, service.baseUrl, bookTickets, request, { headers });
      expect(verdict(outcome), `${grpc} or ${milliseconds}`).toBe("OK");
    }
  });
});

type Cancellable = (userId: string, concertId: bigint, signal: AbortSignal) => Promise<unknown>;

/** By the last revision that has one. */
const withHandshake = "MCP with a handshake";

/** Clients that can hang up. */
function cancellable(protocol: Protocol | typeof withHandshake, baseUrl: string): Cancellable {
  const over =
    (transport: Transport): Cancellable =>
    (userId, concertId, signal) =>
      createClient(BookingService, transport).bookTickets({ concertId, userId, ticketCount: 1 }, { signal });
  switch (protocol) {
    case "gRPC":
      return over(createGrpcTransport({ baseUrl }));
    case "gRPC-Web":
      return over(createGrpcWebTransport({ baseUrl }));
    case "Connect binary":
      return over(createNodeConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }));
    case "Connect JSON":
      return over(createConnectTransport({ baseUrl }));
    case "MCP":
    case withHandshake:
      return async (userId, concertId, signal) => {
        await using mcp = await connectMcp(baseUrl, { revision: protocol === "MCP" ? "2026-07-28" : "2025-11-25" });
        const request = { concert_id: String(concertId), user_id: userId, ticket_count: 1, request_id: randomUUID() };
        return await mcp.call("book_tickets", request, { signal });
      };
    default:
      return (userId, concertId, signal) => {
        const request = { concert_id: String(concertId), user_id: userId, ticket_count: 1 };
        const hangUp: typeof fetch = (input, init) => fetch(input, { ...init, signal });
        return restCall(baseUrl, "BookingService.BookTickets", request, { fetch: hangUp });
      };
  }
}

describe("a client that hangs up", () => {
  it.each([...writeProtocols, withHandshake] as const)(
    "in the queue books nothing and logs no warning, by %s",
    async (protocol) => {
      const { concertId, held, goOn } = await standStill(service);
      const seen = service.lines.length;
      const caller = new AbortController();
      const gone = cancellable(protocol, service.baseUrl)("gone", concertId, caller.signal).catch(() => "hung up");
      await held.untilWaiting(2);
      caller.abort();
      expect(await gone).toBe("hung up");
      const since = () => service.lines.slice(seen).map((line) => JSON.parse(line));
      await vi.waitFor(() => expect(since()).toContainEqual(expect.objectContaining({ code: "Canceled" })), 10_000);

      expect(await goOn()).toEqual(["last"]);
      const calls = since().filter(({ method }) => method === "frontrow.v1.BookingService/BookTickets");
      expect(calls.map(({ code }) => code).sort()).toEqual(["Canceled", "FailedPrecondition", "OK"]);
      expect(since().filter(({ level }) => level !== "debug")).toEqual([]);
    },
  );
});

it("calls with short deadlines do not fail the others in their batch", async () => {
  const { concertId, held, book, goOn } = await standStill(service);
  const atOnce = { "connect-timeout-ms": "1" };
  const impatient = await Promise.all(["a", "b", "c"].map((name) => book(`impatient ${name}`, "REST", atOnce)));
  for (const outcome of impatient) expect(outcome).toMatchObject({ ok: false });

  const waiting = 1 + service.queuedRequests();
  const caller = new AbortController();
  const gone = cancellable("REST", service.baseUrl)("gone", concertId, caller.signal).catch(() => "hung up");
  const brief = book("brief", "gRPC", { "grpc-timeout": "1500m" });
  const patient = ["d", "e", "f"].map((name) => book(`patient ${name}`, "gRPC"));
  await held.untilWaiting(waiting + 5);
  // The next batch gets the concert, and then waits here, in the middle of its writes.
  const heldWrites = await holdLock(database, "LOCK TABLE bookings IN SHARE MODE");
  onTestFinished(() => heldWrites.release().catch(() => {}));
  await held.release();
  // This lock and no other: the call before may still wait for the concert.
  await heldWrites.untilInTheWay();
  caller.abort();
  expect(await gone).toBe("hung up");
  expect(await brief).toMatchObject({ ok: false, code: "DEADLINE_EXCEEDED" });

  const stored = await goOn(heldWrites);
  expect((await Promise.all(patient)).map(verdict)).toEqual(["OK", "OK", "OK"]);
  // Their batch had begun when "gone" and "brief" gave up; the latter's time may have been up before, on a slow machine.
  const others = stored.filter((user) => user !== "brief");
  expect(others.sort()).toEqual(["gone", "last", "patient d", "patient e", "patient f"]);
});

/** Overload: which calls are rejected, how, and which are still served. */
import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it, onTestFinished } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { methods } from "./methods/index.ts";
import { holdConcert, holdLock, patientSettings } from "./support/database/locks.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { tally, verdict } from "./support/protocols/outcomes.ts";
import { type Protocol, protocols } from "./support/protocols/protocols.ts";
import { expectRefusal } from "./support/scenario/expected-answers.ts";
import { protocolsOf } from "./support/scenario/matrix.ts";
import { openTestGuards } from "./support/service/guards.ts";
import { serveApp, servedConcert } from "./support/service/served-app.ts";
import { startTestService } from "./support/service/service.ts";
import { createStage, moonlight } from "./support/service/stage.ts";

const { getUserBookings, bookTickets, cancelBooking, holdTickets, extendHold } = BookingService.method;
const { getConcert, createConcert, updateConcert } = ConcertService.method;

const overloaded = {
  reason: "OVERLOADED",
  message: "too many requests are waiting; nothing was stored, repeat in a moment",
} as const;

/** The methods that organizers call, and those that settle holds, by hand. */
const servedMethods = ["CreateConcert", "UpdateConcert", "ConfirmHold", "ReleaseHold"];

describe("an event loop that lags", () => {
  /** The service's interceptors, at a lag of the test's choice. */
  const interceptorsAt = (lagMs: number, requestTimeoutMs: number) =>
    openTestGuards([ConcertService, BookingService], { eventLoopDelay: { currentMs: () => lagMs } }, requestTimeoutMs);

  const open = async (lagMs: number, requestTimeoutMs = 10_000) => {
    const app = await serveApp(
      { getConcert: ({ id }) => ({ ...servedConcert, id }) },
      { interceptors: await interceptorsAt(lagMs, requestTimeoutMs) },
    );
    onTestFinished(() => app.close());
    return app;
  };

  it.each(protocols)("rejects calls that would miss their deadline with OVERLOADED, by %s", async (protocol) => {
    const { baseUrl } = await open(5_000);
    expectRefusal(protocol, await callOnce(protocol, baseUrl, getConcert, { id: 1n }), overloaded);
  });

  it.each(protocols)("goes by how long the client waits, by %s", async (protocol) => {
    const { baseUrl } = await open(3_000);
    const header = protocol.startsWith("gRPC") ? "grpc-timeout" : "connect-timeout-ms";
    const value = protocol.startsWith("gRPC") ? "8S" : "8000";
    const patient = await callOnce(protocol, baseUrl, getConcert, { id: 1n });
    expect(verdict(patient.outcome)).toBe("OK");
    const impatient = await callOnce(protocol, baseUrl, getConcert, { id: 1n }, { headers: { [header]: value } });
    expectRefusal(protocol, impatient, overloaded);
  });

  it("rejects no call while it keeps up", async () => {
    const { baseUrl } = await open(0, 60_000);
    expect(verdict((await callOnce("REST", baseUrl, getConcert, { id: 1n })).outcome)).toBe("OK");
  });

  it("does not reject health checks", async () => {
    const { baseUrl } = await open(1_000_000);
    for (const path of ["/health", "/livez"]) expect((await fetch(`${baseUrl}${path}`)).status).toBe(200);
    const check = await fetch(`${baseUrl}/grpc.health.v1.Health/Check`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    expect(check.status).toBe(200);
  });

  it.each(methods.map((method) => [method.name, method] as const))(
    "%s keeps or leaves its lane",
    async (name, method) => {
      const transport = createRouterTransport(
        ({ service }) => {
          service(ConcertService, {});
          service(BookingService, {});
        },
        { router: { interceptors: await interceptorsAt(1_000_000, 10_000) } },
      );
      const client = createClient(method.parent, transport) as Record<string, (request: object) => Promise<unknown>>;
      const error = await client[method.localName]?.({}).then(() => undefined, ConnectError.from);
      // A call that is let through fails since its request is empty, or since its method has no handler.
      const isServed = error?.code === Code.InvalidArgument || error?.code === Code.Unimplemented;
      expect(isServed).toBe(servedMethods.includes(name));
      if (!isServed) expect(error?.code).toBe(Code.Unavailable);
    },
  );
});

describe("a full queue", () => {
  it("rejects bookings at once, by every protocol, and serves all other calls", async () => {
    const service = await startTestService({ ...patientSettings, APP_MAX_QUEUED_REQUESTS: "3" });
    onTestFinished(() => service.close());
    const { baseUrl, database } = service;
    const call = <Method extends DescMethodUnary>(
      protocol: Protocol,
      method: Method,
      request: MessageInitShape<Method["input"]>,
    ) => callOnce(protocol, baseUrl, method, request);
    const stage = createStage(baseUrl);
    const [{ id: concertId }, other] = [await stage.concert(), await stage.concert()];
    const [booking, hold] = [await stage.booking(other), await stage.hold(other)];
    const held = await holdConcert(database, concertId, [service]);
    onTestFinished(() => held.release().catch(() => {}));
    const book = (userId: string) => call("REST", bookTickets, { concertId, userId, ticketCount: 1 });
    const first = book("first");
    await held.untilWaiting(1);
    const waiting = ["a", "b", "c"].map(book);
    await held.untilWaiting(4);

    for (const protocol of protocolsOf(bookTickets)) {
      const order = { concertId: other.id, userId: "late", ticketCount: 1 };
      expectRefusal(protocol, await call(protocol, bookTickets, order), overloaded);
      expectRefusal(protocol, await call(protocol, holdTickets, order), overloaded);
      const { id, userId } = booking;
      expectRefusal(protocol, await call(protocol, cancelBooking, { id, userId }), overloaded);
      const served = [
        await call(protocol, getConcert, { id: concertId }),
        await call(protocol, getUserBookings, { userId }),
      ];
      expect(served.map(({ outcome }) => verdict(outcome))).toEqual(["OK", "OK"]);
      // These two are no tools.
      if (protocol === "MCP") continue;
      const extension = { id: hold.id, userId, ttl: { seconds: 60n } };
      expectRefusal(protocol, await call(protocol, extendHold, extension), overloaded);
      const { outcome } = await call(protocol, createConcert, moonlight);
      expect(verdict(outcome)).toBe("OK");
    }
    expect((await fetch(`${baseUrl}/readyz`)).status).toBe(200);

    await held.release();
    const outcomes = (await Promise.all([first, ...waiting])).map(({ outcome }) => outcome);
    expect(tally(outcomes)).toEqual({ OK: 4 });
    expect(verdict((await book("later")).outcome)).toBe("OK");
  });
});

describe("a rush of reads", () => {
  /** Of each of these sizes a pool keeps connections for organizers; of smaller ones it cannot. */
  it.each(["3", "5", "10"])("leaves organizers their connections in a pool of %s", async (poolSize) => {
    const service = await startTestService({ ...patientSettings, APP_DATABASE_POOL_SIZE: poolSize });
    onTestFinished(() => service.close());
    const { baseUrl, database } = service;
    const { id, version } = await createStage(baseUrl).concert();
    const held = await holdLock(database, "LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE");
    onTestFinished(() => held.release().catch(() => {}));
    const reads = Array.from({ length: 50 }, () => callOnce("REST", baseUrl, getUserBookings, { userId: "reader" }));
    await held.untilWaiting(1);

    const created = await callOnce("REST", baseUrl, createConcert, moonlight);
    const updated = await callOnce("REST", baseUrl, updateConcert, { ...moonlight, id, version, price: 1.5 });
    expect([created, updated].map(({ outcome }) => verdict(outcome))).toEqual(["OK", "OK"]);

    await held.release();
    // On a slow machine some calls wait too long and are rejected.
    for (const { outcome } of await Promise.all(reads)) expect(["OK", "OVERLOADED"]).toContain(verdict(outcome));
  });
});

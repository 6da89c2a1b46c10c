/** Traces, asserted at a receiver of OTLP. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { meetAtConcert, patientSettings } from "./support/database/locks.ts";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "./support/network/otlp-receiver.ts";
import { createProtocolClient, protocols, supports } from "./support/protocols/protocols.ts";
import { type Settings, startTestService, type TestService } from "./support/service/service.ts";
import { createConcert } from "./support/service/stage.ts";
import { openCall, protocolOf, ways as streamWays } from "./support/service/stream-clients.ts";
import { type StreamService, startStreamService } from "./support/service/stream-service.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentSpanId = "b7ad6b7169203331";
/** The header of a caller whose own trace is sampled. */
const sampled = { traceparent: `00-${traceId}-${parentSpanId}-01` };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** A service that exports what it has after some milliseconds. */
function startTraced(url: string, settings: Settings = {}): Promise<TestService> {
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: "10", ...settings };
  return startTestService(tracing, database, "debug");
}

const serversOf = (spans: readonly ReceivedSpan[]) => spans.filter(({ kind }) => kind === 2);
const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);
const parsed = ({ lines }: TestService) => lines.map((line): Record<string, unknown> => JSON.parse(line));

describe("with every call sampled", () => {
  let receiver: OtlpReceiver;
  let service: TestService;
  let concertId: bigint;
  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    service = await startTraced(receiver.url, {
      OTEL_SERVICE_NAME: "tickets",
      OTEL_RESOURCE_ATTRIBUTES: "zone=a%20b",
      ...patientSettings,
    });
    const client = createProtocolClient("REST", service.baseUrl);
    concertId = (await createConcert(client)).id;
  });
  afterAll(async () => {
    await service.close();
    await receiver[Symbol.asyncDispose]();
  });

  it.each([
    ["gRPC", "grpc", "2"],
    ["gRPC-Web", "grpc", "1.1"],
    ["Connect JSON", "connectrpc", "1.1"],
    ["Connect binary", "connectrpc", "1.1"],
    ["Connect GET", "connectrpc", "1.1"],
    ["REST", "rest", "1.1"],
  ] as const)(
    "a call by %s is a server span under the caller's, and its log line has the trace's id",
    async (...row) => {
      const [protocol, system, httpVersion] = row;
      const requestId = `by ${protocol}`.replaceAll(" ", "-");
      const client = createProtocolClient(protocol, service.baseUrl);
      const headers = { ...sampled, tracestate: "vendor=1", "x-request-id": requestId };
      await client.call(ConcertService.method.getConcert, { id: concertId }, { headers });
      client.close();
      const isThis = ({ attributes }: ReceivedSpan) => attributes["frontrow.request_id"] === requestId;
      const spans = await receiver.until((all) => all.some(isThis));
      expect(spans.filter(isThis)).toMatchObject([
        {
          ...{ traceId, parentSpanId, traceState: "vendor=1", kind: 2, status: { code: 0 } },
          name: "frontrow.v1.ConcertService/GetConcert",
          attributes: {
            ...{ "rpc.system.name": system, "rpc.method": "frontrow.v1.ConcertService/GetConcert" },
            ...{ "network.protocol.name": "http", "network.protocol.version": httpVersion },
            ...(system !== "connectrpc" && { "rpc.status_code": "OK" }),
          },
          resource: { "service.name": "tickets", zone: "a b", "service.instance.id": expect.any(String) },
        },
      ]);
      expect(parsed(service).filter(({ request_id }) => request_id === requestId)).toMatchObject([
        { trace_id: traceId },
      ]);
    },
  );

  it("a refused call has its code and reason, and is no error of the service", async () => {
    const client = createProtocolClient("REST", service.baseUrl);
    await client.call(BookingService.method.getBooking, { id: 999_999n });
    const name = "frontrow.v1.BookingService/GetBooking";
    const spans = await receiver.until((all) => named(all, name).length > 0);
    const [span] = named(spans, name);
    expect(span).toMatchObject({
      ...{ parentSpanId: "", status: { code: 0 } },
      attributes: { "rpc.status_code": "NOT_FOUND", "frontrow.reason": "BOOKING_NOT_FOUND" },
    });
    const reads = spans.filter(({ parentSpanId }) => parentSpanId === span?.spanId);
    expect(reads).toMatchObject([{ name: "database read", kind: 3, status: { code: 0 }, traceId: span?.traceId }]);
  });

  it.each(protocols.filter((each) => supports(each, BookingService.method.bookTickets)))(
    "a booking by %s has spans of its wait, its batch and the batch's flights",
    async (protocol) => {
      receiver.spans.length = 0;
      const client = createProtocolClient(protocol, service.baseUrl);
      const request = { concertId, userId: "nora", ticketCount: 1 };
      await client.call(BookingService.method.bookTickets, request, { headers: sampled });
      client.close();
      const spans = await receiver.until((all) => serversOf(all).length === 1 && all.length === 5);
      const [server] = serversOf(spans);
      const [wait] = named(spans, "queue wait");
      const [batch] = named(spans, "booking batch");
      const [read] = named(spans, "lock and read");
      const [write] = named(spans, "write and commit");
      expect([wait?.parentSpanId, batch?.parentSpanId]).toEqual([server?.spanId, server?.spanId]);
      expect([read?.parentSpanId, write?.parentSpanId]).toEqual([batch?.spanId, batch?.spanId]);
      expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
      expect(batch?.attributes).toMatchObject({
        "frontrow.concert_id": String(concertId),
        "frontrow.batch.requests": 1,
      });
      expect(write?.attributes).toMatchObject({ "db.system.name": "postgresql" });
      const instants = [server?.fromNs, wait?.fromNs, wait?.toNs, read?.fromNs, read?.toNs, write?.fromNs];
      const ends = [write?.toNs, batch?.toNs, server?.toNs];
      expect([...instants, ...ends]).toEqual(
        [...instants, ...ends].toSorted((a, b) => ((a ?? 0n) < (b ?? 0n) ? -1 : 1)),
      );
    },
  );

  it("a batch of several calls is one span with links to its callers, which have a link to it", async () => {
    receiver.spans.length = 0;
    const client = createProtocolClient("REST", service.baseUrl);
    const calls = ["ann", "ben", "cal", "dot"].map((userId) => () => {
      const headers = { "x-request-id": userId };
      return client.call(BookingService.method.bookTickets, { concertId, userId, ticketCount: 1 }, { headers });
    });
    // The first is a batch alone, and the others wait for it together.
    await meetAtConcert(database, [service], concertId, calls);
    const spans = await receiver.until((all) => serversOf(all).length === 4);
    const batches = named(spans, "booking batch").toSorted((one, other) => one.links.length - other.links.length);
    expect(batches.map(({ attributes }) => attributes["frontrow.batch.requests"])).toEqual([1, 3]);
    const batch = batches[1];
    const ofUser = (user: string) => serversOf(spans).find((span) => span.attributes["frontrow.request_id"] === user);
    const [ben, cal, dot] = ["ben", "cal", "dot"].map(ofUser);
    expect([batch?.traceId, batch?.parentSpanId]).toEqual([ben?.traceId, ben?.spanId]);
    const linkTo = (span: ReceivedSpan | undefined) => ({ traceId: span?.traceId, spanId: span?.spanId });
    expect(batch?.links).toEqual([linkTo(cal), linkTo(dot)]);
    expect([ben, cal, dot].map((span) => span?.links)).toEqual([[], [linkTo(batch)], [linkTo(batch)]]);
    expect(new Set([ben, cal, dot].map((span) => span?.traceId)).size).toBe(3);
  });
});

describe("streams", () => {
  let receiver: OtlpReceiver;
  let service: StreamService;
  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: "10" };
    service = await startStreamService({ settings });
  });
  afterAll(async () => {
    await service.close();
    await receiver[Symbol.asyncDispose]();
  });

  it.each(streamWays)("a stream by %s is a server span with its messages, and its line has both ids", async (way) => {
    const requestId = `by-${streamWays.indexOf(way)}`;
    const headers = { ...sampled, "x-request-id": requestId };
    const call = openCall(way, service.baseUrl, service.method("WatchAll"), {}, { headers });
    const feed = await service.nextFeed();
    feed.send("one");
    expect(await call.next()).toEqual({ text: "one" });
    feed.end();
    expect(await call.next()).toEqual({ end: "OK" });
    const isThis = ({ attributes }: ReceivedSpan) => attributes["frontrow.request_id"] === requestId;
    const spans = await receiver.until((all) => all.some(isThis));
    expect(spans.filter(isThis)).toMatchObject([
      {
        ...{ traceId, parentSpanId, kind: 2, name: "frontrow.test.v1.StreamService/WatchAll" },
        attributes: { "frontrow.messages": 1, "frontrow.protocol": protocolOf(way) },
      },
    ]);
    await service.logged({ request_id: requestId, trace_id: traceId, messages: 1 });
  });
});

/**
 * Abuse over real sockets, of a service with short timeouts. In every test the service goes on serving another client, the
 * abusive connections end, and their sockets and memory are freed.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService, GetConcertRequestSchema } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { flag, frame, frameType, grpcFields, headers, opening, reset } from "../support/network/http2-frames.ts";
import { openRaw, type RawConnection } from "../support/network/raw-connection.ts";
import { type Holdings, startWatchedService, type WatchedService } from "../support/process/watched-service.ts";
import { createProtocolClient, type ProtocolClient } from "../support/protocols/protocols.ts";
import { createConcert } from "../support/service/stage.ts";
import { envelope } from "../support/wire/envelopes.ts";
import { expectConnectError, expectGrpcError } from "../support/wire/errors.ts";
import { jsonType, rpcPath, sendGrpc, sendHttp } from "../support/wire/http.ts";

const listConcerts = rpcPath("ConcertService.ListConcerts");
const getConcert = rpcPath("ConcertService.GetConcert");
const bookTickets = rpcPath("BookingService.BookTickets");

const poolSize = 2;
/** The pool's, and the one that is kept aside. */
const databaseSockets = poolSize + 1;

let service: WatchedService;
let clients: ProtocolClient[];
let concertId: bigint;
let atFirst: Holdings;
let opened: RawConnection[] = [];

beforeAll(async () => {
  service = await startWatchedService({
    // Long enough for an honest client's megabyte, and for its first byte while a flood is dealt with, on a busy machine.
    APP_HEADERS_TIMEOUT: "2s",
    APP_BODY_TIMEOUT: "2s",
    APP_IDLE_TIMEOUT: "2s",
    // A machine that stands still for seconds must not shed the other client's calls: a third of this is their limit.
    APP_REQUEST_TIMEOUT: "5m",
    // All clients have the same address here.
    APP_MAX_CONNECTIONS_PER_ADDRESS: "2000",
    APP_DATABASE_POOL_SIZE: String(poolSize),
    // The other client calls as often as it can.
    APP_RATE_LIMIT_READS: "0",
    APP_RATE_LIMIT_BOOKINGS: "0",
  });
  const rest = createProtocolClient("REST", service.baseUrl);
  const concert = await createConcert(rest, { totalTickets: 1_000_000 });
  concertId = concert.id;
  // What is loaded and kept for the first calls counts as held before.
  await Promise.all(Array.from({ length: 50 }, () => sendHttp(service.baseUrl, { path: "/api/v1/concerts" })));
  atFirst = await service.holdings();
});
afterAll(() => service?.close());

/** Another client, over HTTP/1.1 and gRPC, that reads and books in a loop until it is stopped. */
let stopClient: () => Promise<number>;

beforeEach(async () => {
  opened = [];
  clients = [createProtocolClient("REST", service.baseUrl), createProtocolClient("gRPC", service.grpcUrl)];
  let calls = 0;
  let over = false;
  const callOn = async (client: ProtocolClient) => {
    while (!over) {
      const outcomes = [
        await client.call(ConcertService.method.getConcert, { id: concertId }),
        await client.call(BookingService.method.bookTickets, { concertId, userId: "guest", ticketCount: 1 }),
      ];
      expect(outcomes).toMatchObject([{ ok: true }, { ok: true }]);
      calls++;
    }
  };
  const running = Promise.all(clients.map(callOn));
  running.catch(() => {});
  stopClient = async () => {
    over = true;
    await running;
    return calls;
  };
});

afterEach(async () => {
  const calls = await stopClient();
  for (const client of clients) client.close();
  expect(calls, "calls of another client").toBeGreaterThan(1);
  for (const { socket } of opened) socket.destroy();
  await vi.waitFor(
    async () => {
      const { sockets, usedBytes } = await service.holdings();
      expect(sockets).toBeLessThanOrEqual(databaseSockets);
      expect(usedBytes - atFirst.usedBytes).toBeLessThan(16_000_000);
    },
    { timeout: 30_000, interval: 100 },
  );
});

type Bytes = string | Uint8Array;

/** Opens connections that each begin with these bytes. */
function flood(count: number, url: string, ...bytes: Bytes[]): RawConnection[] {
  const { port } = new URL(url);
  const connections = Array.from({ length: count }, () => openRaw(Number(port)));
  opened.push(...connections);
  for (const { socket } of connections) for (const each of bytes) socket.write(each);
  return connections;
}

/** Writes one more piece on each connection in a loop until the server has closed them all. Returns its responses. */
async function untilClosed(connections: readonly RawConnection[], piece?: Bytes): Promise<string[]> {
  const closed = Promise.all(connections.map((connection) => connection.closed));
  let over = false;
  void closed.then(() => {
    over = true;
  });
  while (piece !== undefined && !over) {
    for (const { socket } of connections) if (socket.writable && !socket.writableNeedDrain) socket.write(piece);
    await Promise.race([closed, sleep(25)]);
  }
  return closed;
}

const repeat = (count: number, piece: (index: number) => Uint8Array) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => piece(index)));
/** The number of a client's stream. */
const streamId = (index: number) => 2 * index + 1;
const restPost = "POST /api/v1/bookings HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";

describe("the service ends connections that are too slow:", () => {
  test("headers", async () => {
    const answers = await untilClosed(flood(200, service.baseUrl, "GET /api/v1/concerts HTTP/1.1\r\nX-Slow: "), "x");
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  test("bodies", async () => {
    const length = flood(100, service.baseUrl, `${restPost}Content-Length: 5000\r\n\r\n`);
    const chunks = flood(100, service.baseUrl, `${restPost}Transfer-Encoding: chunked\r\n\r\n`);
    const answers = await Promise.all([untilClosed(length, " "), untilClosed(chunks, "1\r\n \r\n")]);
    for (const answer of answers.flat()) expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  test("bodies in all the streams of a connection", async () => {
    const begun = repeat(100, (index) => {
      const start = frame(frameType.data, flag.none, streamId(index), envelope(Buffer.of(), 0, 5_000));
      return Buffer.concat([headers(streamId(index), grpcFields(bookTickets)), start]);
    });
    const piece = repeat(100, (index) => frame(frameType.data, flag.none, streamId(index), Buffer.of(0)));
    for (const said of await untilClosed(flood(10, service.grpcUrl, opening, begun), piece)) {
      for (let index = 0; index < 100; index++) expect(said).toContain(reset(streamId(index)).toString("latin1"));
    }
  });

  test("HTTP/2's preface, settings and headers", async () => {
    const pieces: [Bytes[], Bytes][] = [
      [["PRI * HT"], ""],
      [[opening], frame(frameType.ping, flag.none, 0, Buffer.alloc(8))],
      [[opening, headers(1, grpcFields(bookTickets), flag.none)], ""],
    ];
    await Promise.all(pieces.map(([bytes, piece]) => untilClosed(flood(50, service.grpcUrl, ...bytes), piece)));
  });

  test("reading responses", async () => {
    const initialWindow = frame(frameType.settings, flag.none, 0, Buffer.of(0, 4, 0, 0, 0, 0));
    // Of a concert that is cached: a thousand reads of two database connections could be refused as an overload.
    const message = envelope(toBinary(GetConcertRequestSchema, create(GetConcertRequestSchema, { id: concertId })));
    const calls = repeat(100, (index) => {
      const body = frame(frameType.data, flag.endStream, streamId(index), message);
      return Buffer.concat([headers(streamId(index), grpcFields(getConcert)), body]);
    });
    for (const said of await untilClosed(flood(10, service.grpcUrl, opening, initialWindow, calls))) {
      for (let index = 0; index < 100; index++) expect(said).toContain(reset(streamId(index)).toString("latin1"));
    }
  });
});

describe("the service ends connections:", () => {
  test("a thousand that send nothing, or nothing more after a call", async () => {
    const call = `GET /api/v1/concerts/${concertId} HTTP/1.1\r\nHost: test\r\n\r\n`;
    const connections = [
      ...flood(300, service.baseUrl),
      ...flood(300, service.baseUrl, call),
      ...flood(300, service.grpcUrl, opening),
      ...flood(100, service.grpcUrl, "P"),
    ];
    const answers = await untilClosed(connections);
    expect(answers.filter((answer) => answer.startsWith("HTTP/1.1 200 OK"))).toHaveLength(300);
  });

  test("clients that close their half, or disappear in the middle of a request", async () => {
    const half = flood(200, service.baseUrl, `${restPost}Content-Length: 50\r\n\r\n{`);
    for (const { socket } of half) socket.end();
    const gone = flood(200, service.grpcUrl, opening, headers(1, grpcFields(bookTickets)));
    await Promise.all(gone.map(({ socket }) => once(socket, "data")));
    for (const { socket } of gone) socket.resetAndDestroy();
    await untilClosed(half);
  });
});

// That it is the flood which ends a connection, not the time, is for http2-floods to show.
describe("HTTP/2", () => {
  test("ends a connection whose streams are reset as soon as they begin", async () => {
    const body = frame(frameType.data, flag.endStream, 0, envelope(Buffer.of()));
    const rapid = repeat(4_000, (index) => {
      const stream = streamId(index);
      body.writeUInt32BE(stream, 5);
      return Buffer.concat([headers(stream, grpcFields(listConcerts)), body, reset(stream)]);
    });
    await untilClosed(flood(5, service.grpcUrl, opening, rapid));
  });

  test.each([
    ["resets provoked from the server", (stream: number) => frame(frameType.windowUpdate, 0, stream, Buffer.alloc(4))],
    ["data after the end", (stream: number) => frame(frameType.data, flag.none, stream, Buffer.of(0))],
  ])("%s", async (_, provoke) => {
    const bytes = repeat(4_000, (index) => {
      const stream = streamId(index);
      const begun = headers(stream, grpcFields(listConcerts), flag.endHeaders | flag.endStream);
      return Buffer.concat([begun, provoke(stream)]);
    });
    await untilClosed(flood(10, service.grpcUrl, opening, bytes));
  });

  const call = headers(1, grpcFields(bookTickets));
  test.each<[string, Uint8Array, Uint8Array]>([
    ["pings", opening, frame(frameType.ping, flag.none, 0, Buffer.alloc(8))],
    ["settings", opening, frame(frameType.settings)],
    ["priorities", opening, frame(frameType.priority, flag.none, 1, Buffer.of(0, 0, 0, 3, 1))],
    ["windows", opening, frame(frameType.windowUpdate, flag.none, 0, Buffer.of(0, 0, 0, 1))],
    ["empty data", Buffer.concat([opening, call]), frame(frameType.data, flag.none, 1)],
    ["unknown frames", opening, frame(0xbb)],
    [
      "continuations",
      Buffer.concat([opening, headers(1, grpcFields(bookTickets), flag.none)]),
      frame(frameType.continuation, flag.none, 1, Buffer.alloc(100)),
    ],
  ])("ends a connection with a flood of %s", async (_, start, piece) => {
    const thousand = repeat(1_000, () => piece);
    await untilClosed(flood(5, service.grpcUrl, start, ...new Array<Uint8Array>(100).fill(thousand)), thousand);
  });
});

describe("the service limits the size", () => {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = constants;
  const tightly = { params: { [BROTLI_PARAM_QUALITY]: 3, [BROTLI_PARAM_LGWIN]: 24 } };
  const small = gzipSync(Buffer.alloc(60_000_000));
  test.each([
    ["gzip within the limit", "gzip", small, 429, "resource_exhausted", Code.ResourceExhausted],
    [
      "a gigabyte in gzip",
      "gzip",
      Buffer.concat(new Array(17).fill(small)),
      429,
      "resource_exhausted",
      Code.ResourceExhausted,
    ],
    // A decoder of brotli takes 16 megabytes to unpack the first byte of it: it is not begun at all.
    ["brotli", "br", brotliCompressSync(Buffer.alloc(2 ** 28), tightly), 501, "unimplemented", Code.Unimplemented],
  ])("of compressed messages: %s", async (_, encoding, bomb, status, name, code) => {
    const { peakBytes } = await service.holdings();
    const all = Array.from({ length: 20 }, async () => {
      const headers = { ...jsonType, "content-encoding": encoding };
      expectConnectError(await sendHttp(service.baseUrl, { path: bookTickets, headers, body: bomb }), status, name);
      const packing = { "grpc-encoding": encoding };
      expectGrpcError(await sendGrpc(service.grpcUrl, bookTickets, envelope(bomb, 1), packing), code);
    });
    await Promise.all(all);
    expect((await service.holdings()).peakBytes - peakBytes).toBeLessThan(60_000_000);
  });

  test("of bodies that never end", async () => {
    const piece = Buffer.alloc(16_384, " ");
    const chunk = Buffer.concat([Buffer.from("4000\r\n"), piece, Buffer.from("\r\n")]);
    const chunked = (path: string) =>
      flood(10, service.baseUrl, restPost.replace("/api/v1/bookings", path), "Transfer-Encoding: chunked\r\n\r\n");
    const answers = await Promise.all([
      untilClosed(chunked("/api/v1/bookings"), chunk),
      untilClosed(chunked(bookTickets), chunk),
    ]);
    for (const answer of answers.flat()) expect(answer.match(/^HTTP\/1.1 \d+/gm)).toHaveLength(1);
    expect(answers.map(([answer = ""]) => answer.slice(0, 12))).toEqual(["HTTP/1.1 413", "HTTP/1.1 429"]);
  });

  test("of headers and lines that never end", async () => {
    const starts = ["GET /", "GET / HTTP/1.1\r\nX-Long: ", "GET / HTTP/1.1\r\n", "x"];
    const piece = `${"x".repeat(4_000)}`;
    const answers = await Promise.all(starts.map((start) => untilClosed(flood(20, service.baseUrl, start), piece)));
    expect(answers.map(([answer = ""]) => answer.slice(0, 12))).toEqual([
      "HTTP/1.1 431",
      "HTTP/1.1 431",
      "HTTP/1.1 431",
      "HTTP/1.1 400",
    ]);
  });
});

/**
 * Floods of HTTP/2 frames. No timeout ends these connections, and each has a health watch open, so that none is idle: only
 * the defence against its flood can end one. A ping comes last, so its answer shows that the connection is still open.
 */
import { constants } from "node:http2";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { flag, frame, frames, frameType, grpcFields, headers, opening, reset } from "./support/network/http2-frames.ts";
import { openRaw, type RawConnection } from "./support/network/raw-connection.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { rpcPath } from "./support/wire/http.ts";

const listConcerts = grpcFields(rpcPath("ConcertService.ListConcerts"));
const neverMs = 60 * 60_000;
const maxConcurrentStreams = 50;

let app: ServedApp;
let connection: RawConnection;

beforeAll(async () => {
  const limits = { idleTimeoutMs: neverMs, bodyTimeoutMs: neverMs, headersTimeoutMs: neverMs, maxConcurrentStreams };
  app = await serveApp({ listConcerts: () => ({}) }, { limits });
});
afterEach(() => connection.socket.destroy());
afterAll(() => app?.close());

const watched = 1;
const first = 3;
const watch = Buffer.concat([
  headers(watched, grpcFields("/grpc.health.v1.Health/Watch")),
  frame(frameType.data, flag.endStream, watched, envelope(Buffer.of())),
]);
/** The watch's message for "not serving". */
const watchAnswer = envelope(Buffer.of(8, 2)).toString("latin1");
const ping = (flags: number, text = "the last") => frame(frameType.ping, flags, 0, Buffer.from(text));

/** How a connection ends on which so many pieces arrive. */
async function flood(count: number, piece: (stream: number) => Uint8Array): Promise<"ended" | "goes on"> {
  connection = openRaw(app.port);
  connection.socket.setNoDelay(true);
  connection.socket.write(Buffer.concat([opening, watch]));
  await connection.waitFor(watchAnswer);
  const pieces = Array.from({ length: count }, (_, index) => piece(first + 2 * index));
  connection.socket.write(Buffer.concat([...pieces, ping(flag.none)]));
  const goesOn = connection.waitFor(ping(flag.ack).toString("latin1")).then(() => "goes on" as const);
  return Promise.race([connection.closed.then(() => "ended" as const), goesOn]).catch(() => "ended");
}

/** Resolves when the server has answered a ping, in a later turn of its event loop than what was sent before. */
async function roundTrip(text: string): Promise<void> {
  connection.socket.write(ping(flag.none, text));
  await connection.waitFor(ping(flag.ack, text).toString("latin1")).catch(() => {});
}

/** Keeps the token bucket from refilling on a slow machine. */
function stopClock(): void {
  const now = vi.spyOn(performance, "now").mockReturnValue(performance.now());
  onTestFinished(() => now.mockRestore());
}

const begunAndReset = (stream: number) => Buffer.concat([headers(stream, listConcerts), reset(stream)]);
const dataAfterTheEnd = (stream: number) =>
  Buffer.concat([
    headers(stream, listConcerts, flag.endHeaders | flag.endStream),
    frame(frameType.data, flag.none, stream, Buffer.of(0)),
  ]);
const emptyData = (begun: number) => (stream: number) =>
  Buffer.concat([
    ...(stream === begun ? [headers(stream, listConcerts)] : []),
    frame(frameType.data, flag.none, begun),
  ]);

describe("more frames than an honest client sends", () => {
  test.each<[string, number, (stream: number) => Uint8Array]>([
    ["streams that are reset as soon as they have begun", 5_000, begunAndReset],
    // Node's own limit is a thousand of each.
    ["resets that the client provokes", 300, dataAfterTheEnd],
    ["empty data", 300, emptyData(first)],
  ])("end the connection: %s", async (_, count, piece) => {
    stopClock();
    expect(await flood(count, piece)).toBe("ended");
  });

  test("do not include the calls that a client cancels before it has received the limit of streams", async () => {
    expect(await flood(900, begunAndReset)).toBe("goes on");
  });

  test("end the connection when more streams are refused than the token bucket allows", async () => {
    stopClock();
    expect(await flood(5_000, (stream) => headers(stream, listConcerts))).toBe("ended");
    const refused = frames(connection.received()).filter(({ type }) => type === frameType.reset);
    expect(refused.length).toBeLessThanOrEqual(1_000);
  });

  // With this code Node ends the request as if all of it had arrived.
  test.each([
    ["NO_ERROR", constants.NGHTTP2_NO_ERROR],
    ["CANCEL", constants.NGHTTP2_CANCEL],
  ])("end the connection: calls that are reset with %s before their bodies arrive", async (_, code) => {
    stopClock();
    expect(await flood(0, () => Buffer.of())).toBe("goes on");
    const ended = connection.closed.then(() => "ended");
    let outcome = "goes on";
    for (let round = 0; outcome === "goes on" && round < 30; round++) {
      const streams = Array.from({ length: 40 }, (_, index) => first + 2 * (40 * round + index));
      connection.socket.write(Buffer.concat(streams.map((stream) => headers(stream, listConcerts))));
      await roundTrip(`begun ${String(round).padStart(2, "0")}`);
      connection.socket.write(Buffer.concat(streams.map((stream) => reset(stream, code))));
      outcome = await Promise.race([ended, roundTrip(`reset ${String(round).padStart(2, "0")}`).then(() => "goes on")]);
    }
    expect(outcome).toBe("ended");
  });
});

describe("Node itself ends a connection for very many", () => {
  test.each<[string, () => Uint8Array]>([
    ["pings", () => ping(flag.none, "one more")],
    ["answers to pings", () => ping(flag.ack, "one more")],
    ["settings", () => frame(frameType.settings)],
    ["priorities", () => frame(frameType.priority, flag.none, watched, Buffer.of(0, 0, 0, 3, 1))],
    ["unknown frames", () => frame(0xbb)],
  ])("%s", async (_, piece) => {
    expect(await flood(40_000, piece)).toBe("ended");
  });
});

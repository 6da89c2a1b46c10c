/**
 * Streams that end early on an HTTP/2 connection, and the other calls on it. No timeout of the server ends a stream here.
 * `test/clients` shows the same with clients written in Go.
 */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { flag, frame, frames, frameType, grpcFields, headers, opening, reset } from "./support/network/http2-frames.ts";
import { openRaw, type RawConnection } from "./support/network/raw-connection.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { rpcPath } from "./support/wire/http.ts";

const maxConcurrentStreams = 20;
const maxHeaderBytes = 20_000;
const maxBodyBytes = 4_096;
const neverMs = 60 * 60_000;
const listConcerts = rpcPath("ConcertService.ListConcerts");
/** Its handler waits until the call is cancelled. */
const getConcert = rpcPath("ConcertService.GetConcert");

let app: ServedApp;
let session: ClientHttp2Session;
let raw: RawConnection | undefined;
let begun: number;
let goaways: number;

beforeEach(async () => {
  begun = 0;
  goaways = 0;
  const handlers = {
    listConcerts: () => ({}),
    getConcert: (_: unknown, { signal }: { signal: AbortSignal }) => {
      begun++;
      return new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  const timeouts = {
    idleTimeoutMs: neverMs,
    bodyTimeoutMs: neverMs,
    headersTimeoutMs: neverMs,
    lingerTimeoutMs: neverMs,
  };
  app = await serveApp(handlers, { maxBodyBytes, limits: { ...timeouts, maxConcurrentStreams, maxHeaderBytes } });
  session = connect(app.baseUrl);
  session.on("error", () => {}).on("goaway", () => goaways++);
});
afterEach(async () => {
  session.destroy();
  raw?.socket.destroy();
  await app.close();
});

type ContentType = "application/json" | "application/grpc";

function open(path: string, contentType: ContentType = "application/json"): ClientHttp2Stream {
  const fields = { ":method": "POST", ":path": path, "content-type": contentType, te: "trailers" };
  return session.request(fields).on("error", () => {});
}

/** The status of a call: gRPC's if it has one. */
async function answerTo(stream: ClientHttp2Stream): Promise<string> {
  const ended = Promise.withResolvers<void>();
  let status = "";
  const note = (fields: Readonly<Record<string, unknown>>) => {
    status = String(fields["grpc-status"] ?? fields[":status"] ?? status);
  };
  stream.on("response", note).on("trailers", note);
  stream.once("end", ended.resolve).once("close", ended.resolve).resume();
  await ended.promise;
  return stream.rstCode === 0 ? status : `reset with ${stream.rstCode}`;
}

const list = () => answerTo(open(listConcerts).end("{}"));
const wait = () => open(getConcert).end('{"id":"1"}');
const times = <Item>(count: number, make: (index: number) => Item) =>
  Array.from({ length: count }, (_, index) => make(index));

/** A client of bare frames. */
function openPeer() {
  const connection = openRaw(app.port);
  raw = connection;
  connection.socket.write(Buffer.concat([opening, frame(frameType.settings, flag.ack)]));
  const received = (type: number) => frames(connection.received()).filter((each) => each.type === type);
  /** The streams whose trailers have come. */
  const answers = () =>
    received(frameType.headers)
      .filter(({ flags }) => (flags & flag.endStream) !== 0)
      .map(({ stream }) => stream)
      .toSorted((a, b) => a - b);
  return {
    write: (...pieces: Uint8Array[]) => void connection.socket.write(Buffer.concat(pieces)),
    received,
    answers,
    answered: (ids: readonly number[]) => vi.waitFor(() => expect(answers()).toEqual(ids), { timeout: 5_000 }),
  };
}

/** As many streams as may be open at once, for the nth time. */
const streamIds = (nth: number) => times(maxConcurrentStreams, (index) => 2 * (nth * maxConcurrentStreams + index) + 1);
const listHeaders = (id: number) => headers(id, grpcFields(listConcerts));
const oversized = (id: number) =>
  Buffer.concat([listHeaders(id), frame(frameType.data, flag.none, id, envelope(Buffer.alloc(2 * maxBodyBytes)))]);
const plain = (id: number) =>
  Buffer.concat([listHeaders(id), frame(frameType.data, flag.endStream, id, envelope(Buffer.of()))]);

describe("a stream whose call is rejected before the end of its body", () => {
  test.each<[string, string, ContentType, string]>([
    ["gRPC", listConcerts, "application/grpc", "8"],
    ["Connect", listConcerts, "application/json", "429"],
    ["REST", "/api/v1/concerts", "application/json", "413"],
  ])("receives its whole response and is then closed without an error: %s", async (_, path, contentType, status) => {
    const streams = times(maxConcurrentStreams, () => open(path, contentType));
    const answers = streams.map(answerTo);
    for (const stream of streams) stream.write(envelope(Buffer.alloc(2 * maxBodyBytes)));
    expect(await Promise.all(answers)).toEqual(times(maxConcurrentStreams, () => status));
    await vi.waitFor(() => expect(streams.filter(({ closed }) => !closed)).toEqual([]), { timeout: 5_000 });
    expect(streams.map(({ rstCode }) => rstCode)).toEqual(times(maxConcurrentStreams, () => 0));
    expect(await Promise.all(times(maxConcurrentStreams, list))).toEqual(times(maxConcurrentStreams, () => "200"));
    expect(goaways).toBe(0);
  });

  test("does not count against a client that only waits for the end of the stream", async () => {
    const peer = openPeer();
    peer.write(...streamIds(0).map(oversized));
    await peer.answered(streamIds(0));
    peer.write(...streamIds(1).map(plain));
    await peer.answered([...streamIds(0), ...streamIds(1)]);
    expect(peer.received(frameType.goaway)).toEqual([]);
  });

  // Go's net/http does that once it has the response.
  test("may be reset by the client with NO_ERROR at any time", async () => {
    const peer = openPeer();
    for (let round = 0; round < 10; round += 2) {
      const end = (id: number) => reset(id, constants.NGHTTP2_NO_ERROR);
      peer.write(...streamIds(round).map(oversized), ...(round % 4 === 0 ? streamIds(round).map(end) : []));
      if (round % 4 !== 0) {
        await vi.waitFor(() => expect(peer.answers()).toContain(streamIds(round).at(0)), 20_000);
        peer.write(...streamIds(round).map(end));
      }
      peer.write(...streamIds(round + 1).map(plain));
      await vi.waitFor(() => expect(peer.answers()).toEqual(expect.arrayContaining(streamIds(round + 1))), 20_000);
    }
    expect(peer.received(frameType.goaway)).toEqual([]);
  });
});

describe("streams that the client resets", () => {
  test("free their places for the streams that it begins in the same packet", async () => {
    for (let round = 1; round <= 5; round++) {
      const waiting = times(maxConcurrentStreams, wait);
      await vi.waitFor(() => expect(begun).toBe(round * maxConcurrentStreams), 20_000);
      for (const stream of waiting) stream.close(constants.NGHTTP2_CANCEL);
      const answers = await Promise.all(times(maxConcurrentStreams, list));
      expect(answers).toEqual(times(maxConcurrentStreams, () => "200"));
    }
    expect(goaways).toBe(0);
  });

  test("after their calls have begun do not end the connection, in any number", async () => {
    // So that the budget is not filled again meanwhile: were these resets counted, it would not suffice.
    const now = vi.spyOn(performance, "now").mockReturnValue(performance.now());
    onTestFinished(() => now.mockRestore());
    const impatient = maxConcurrentStreams - 1;
    for (let round = 1; round <= 60; round++) {
      const waiting = times(impatient, wait);
      await vi.waitFor(() => expect(begun).toBe(round * impatient), { timeout: 20_000, interval: 1 });
      const patient = list();
      for (const stream of waiting) stream.close(constants.NGHTTP2_CANCEL);
      expect(await patient).toBe("200");
    }
    expect(goaways).toBe(0);
  });
});

test("the server sends its settings in one frame, with the limit of streams", async () => {
  const peer = openPeer();
  peer.write(frame(frameType.ping, flag.none, 0, Buffer.alloc(8)));
  await vi.waitFor(() => expect(peer.received(frameType.ping)).toHaveLength(1), 20_000);
  const [announced, ...others] = peer.received(frameType.settings).filter(({ flags }) => flags === flag.none);
  expect(others).toEqual([]);
  const payload = announced?.payload ?? Buffer.of();
  const settings = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6) settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  const assigned = [...settings].filter(([id]) => id < 0x10);
  // SETTINGS_MAX_CONCURRENT_STREAMS and SETTINGS_MAX_HEADER_LIST_SIZE.
  expect(assigned).toEqual([
    [3, maxConcurrentStreams],
    [6, maxHeaderBytes],
  ]);
});

test("a stream beyond the limit is refused, and the connection stays open", async () => {
  const peer = openPeer();
  peer.write(...times(maxConcurrentStreams + 3, (index) => headers(2 * index + 1, grpcFields(getConcert))));
  await vi.waitFor(() => expect(peer.received(frameType.reset)).toHaveLength(3), 20_000);
  const refusals = peer.received(frameType.reset).map(({ stream, payload }) => [stream, payload.readUInt32BE()]);
  expect(refusals).toEqual(
    streamIds(1)
      .slice(0, 3)
      .map((id) => [id, constants.NGHTTP2_REFUSED_STREAM]),
  );
  peer.write(frame(frameType.ping, flag.none, 0, Buffer.alloc(8)));
  await vi.waitFor(() => expect(peer.received(frameType.ping)).toHaveLength(1), 20_000);
});

test("a connection whose calls have ended closes after its idle timeout, even if its client pings", async () => {
  const brief = await serveApp({ getConcert: () => ({}) }, { limits: { idleTimeoutMs: 300 } });
  onTestFinished(() => brief.close());
  await brief.readiness.started();
  const client = connect(brief.baseUrl).on("error", () => {});
  onTestFinished(() => client.destroy());
  const call = (path: string) => {
    const fields = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = client.request(fields).on("error", () => {});
    stream.end(envelope(Buffer.of()));
    return stream;
  };
  expect(await answerTo(call(getConcert))).toBe("0");
  const watch = call("/grpc.health.v1.Health/Watch");
  await once(watch, "data");
  watch.close(constants.NGHTTP2_CANCEL);
  let pings = 0;
  const pinging = setInterval(() => {
    // A session is destroyed before its event, and then throws.
    if (!client.destroyed) client.ping(() => pings++);
  }, 20);
  onTestFinished(() => clearInterval(pinging));
  await once(client, "close");
  expect(pings).toBeGreaterThan(1);
});

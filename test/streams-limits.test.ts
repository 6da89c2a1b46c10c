/** The limits of streams: how many at once, how many a minute, how long they last, and how many bytes wait unsent. */
import { once } from "node:events";
import { connect, constants } from "node:http2";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { bearer, createTokenIssuer, type TokenIssuer, trusting } from "./support/auth/tokens.ts";
import { openCall, type StreamCallOptions, type Way, ways } from "./support/service/stream-clients.ts";
import { type StreamService, type StreamServiceOptions, startStreamService } from "./support/service/stream-service.ts";
import { envelope } from "./support/wire/envelopes.ts";

let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = await createTokenIssuer();
});

async function start(options: StreamServiceOptions = {}): Promise<StreamService> {
  const service = await startStreamService(options);
  onTestFinished(() => service.close());
  return service;
}

type Method = Parameters<StreamService["method"]>[0];

function open(service: StreamService, way: Way, method: Method, options: StreamCallOptions = {}) {
  const call = openCall(way, service.baseUrl, service.method(method), {}, options);
  onTestFinished(() => call.cancel());
  return call;
}

const tokenOf = async (sub: string) => ({ headers: bearer(await issuer.sign({ sub, scope: "bookings:read" })) });

const tooManyOf = (holder: string, limit: number) => ({
  end: expect.objectContaining({
    ...{ code: "RESOURCE_EXHAUSTED", reason: "RATE_LIMITED", retryDelayMs: 1_000 },
    message: `at most ${limit} streams of one ${holder} can be open: close one first`,
  }),
});
const tooManyInAll = {
  end: expect.objectContaining({
    ...{ code: "UNAVAILABLE", reason: "OVERLOADED", retryDelayMs: 1_000 },
    message: "the service has too many streams or requests; open the stream again in a moment",
  }),
};

describe.each(ways)("by %s", (way) => {
  test("rejects streams beyond the limit of a caller, and beyond the limit in all", async () => {
    const service = await start({
      settings: trusting(issuer, { APP_MAX_STREAMS: "3", APP_MAX_STREAMS_PER_CALLER: "2" }),
    });
    const [nora, otto] = [await tokenOf("nora"), await tokenOf("otto")];
    const first = open(service, way, "WatchUser", nora);
    await service.nextFeed();
    open(service, way, "WatchUser", nora);
    const second = await service.nextFeed();
    expect(await open(service, way, "WatchUser", nora).next()).toEqual(tooManyOf("caller", 2));
    open(service, way, "WatchUser", otto);
    await service.nextFeed();
    expect(await open(service, way, "WatchUser", otto).next()).toEqual(tooManyInAll);
    // The end of the handler and the client's reset both make room, once.
    second.end();
    await service.logged({ code: "OK" });
    first.cancel();
    await service.logged({ code: "Canceled" });
    for (let count = 0; count < 2; count++) {
      open(service, way, "WatchUser", nora);
      await service.nextFeed();
    }
    expect(await open(service, way, "WatchUser", nora).next()).toEqual(tooManyInAll);
  });

  test("a stream that was rejected or has failed frees its place", async () => {
    const service = await start({ settings: trusting(issuer, { APP_MAX_STREAMS: "1" }) });
    expect(await open(service, way, "WatchUser").next()).toMatchObject({ end: { code: "UNAUTHENTICATED" } });
    const call = open(service, way, "WatchUser", await tokenOf("nora"));
    (await service.nextFeed()).end(new Error("for the log"));
    expect(await call.next()).toMatchObject({ end: { code: "INTERNAL" } });
    const last = open(service, way, "WatchUser", await tokenOf("nora"));
    (await service.nextFeed()).send("there is room");
    expect(await last.next()).toEqual({ text: "there is room" });
  });

  test("a stream that reaches the longest duration ends with a reason to open it again", async () => {
    const service = await start({ streams: { longestStreamMs: 50 } });
    expect(await open(service, way, "WatchAll").next()).toEqual({
      end: expect.objectContaining({
        ...{ code: "UNAVAILABLE", reason: "STREAM_EXPIRED", retryDelayMs: 1_000 },
        message: "the stream has reached its longest duration; open it again",
      }),
    });
    await service.logged({ level: "debug", code: "Unavailable", reason: "STREAM_EXPIRED", messages: 0 });
  });
});

test("an anonymous caller is limited by its address, at the limit of several callers", async () => {
  const limits = { APP_MAX_STREAMS_PER_CALLER: "1", APP_RATE_LIMIT_ADDRESS_FACTOR: "2" };
  const service = await start({ settings: trusting(issuer, limits) });
  for (let count = 0; count < 2; count++) {
    open(service, "gRPC by grpc-js", "WatchAll");
    await service.nextFeed();
  }
  expect(await open(service, "Connect JSON over HTTP/1.1", "WatchAll").next()).toEqual(tooManyOf("address", 2));
  // A caller with a token is not counted with its address.
  open(service, "gRPC by grpc-js", "WatchAll", await tokenOf("nora"));
  await service.nextFeed();
});

test("a stream counts as one call against the rate limit, with any number of messages", async () => {
  const service = await start({ settings: trusting(issuer, { APP_RATE_LIMIT_READS: "2" }) });
  const nora = await tokenOf("nora");
  const call = open(service, "gRPC by grpc-js", "WatchUser", nora);
  const feed = await service.nextFeed();
  for (const text of ["one", "two", "three"]) {
    feed.send(text);
    expect(await call.next()).toEqual({ text });
  }
  open(service, "gRPC by grpc-js", "WatchUser", nora);
  await service.nextFeed();
  expect(await open(service, "gRPC by grpc-js", "WatchUser", nora).next()).toMatchObject({
    end: { reason: "RATE_LIMITED", message: expect.stringContaining("at most 2 calls of this kind a minute") },
  });
});

/** Opens a gRPC stream whose client reads nothing. */
async function openUnread(service: StreamService, headers = {}) {
  const session = connect(service.baseUrl, { settings: { initialWindowSize: 0 } });
  onTestFinished(() => session.destroy());
  await once(session, "remoteSettings");
  const path = "/frontrow.test.v1.StreamService/WatchAll";
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", ...headers });
  const closed = new Promise<void>((resolve) => stream.on("error", () => {}).on("close", resolve));
  stream.end(envelope(Buffer.of()));
  return { reset: () => stream.close(constants.NGHTTP2_CANCEL), closed };
}

describe("a client that never reads", () => {
  test("receives from its handler no more than the buffers of its stream hold", async () => {
    const service = await start();
    await openUnread(service);
    const unread = await service.nextFeed();
    unread.flood("x".repeat(10_000));
    // Meanwhile a client that reads takes many messages.
    const call = open(service, "gRPC by grpc-js", "WatchAll");
    const read = await service.nextFeed();
    for (let count = 0; count < 500; count++) {
      read.send("x");
      await call.next();
    }
    expect(unread.taken).toBeGreaterThan(0);
    expect(unread.taken).toBeLessThan(20);
  });

  const text = (length: number) => "x".repeat(length);

  test("counts with its unsent bytes until it is closed", async () => {
    const service = await start({ streams: { maxUnsentBytes: 100_000 } });
    const { reset } = await openUnread(service);
    const unread = await service.nextFeed();
    unread.send(text(60_000));
    await vi.waitFor(() => expect(unread.taken).toBe(1), { timeout: 20_000 });
    const call = open(service, "gRPC by grpc-js", "WatchAll");
    (await service.nextFeed()).send(text(70_000));
    expect(await call.next()).toEqual(tooManyInAll);
    reset();
    await service.logged({ code: "Canceled" });
    const next = open(service, "gRPC by grpc-js", "WatchAll");
    (await service.nextFeed()).send(text(70_000));
    expect(await next.next()).toEqual({ text: text(70_000) });
    expect(unread.taken).toBe(1);
  });

  test("is cut when a stream with fewer unsent bytes needs the room", async () => {
    const service = await start({ streams: { maxUnsentBytes: 100_000 } });
    const { closed } = await openUnread(service);
    const unread = await service.nextFeed();
    unread.flood(text(80_000));
    await vi.waitFor(() => expect(unread.taken).toBe(1), 20_000);
    const call = open(service, "gRPC by grpc-js", "WatchAll");
    (await service.nextFeed()).send(text(30_000));
    expect(await call.next()).toEqual({ text: text(30_000) });
    await closed;
    await service.logged({ code: "Unavailable", reason: "OVERLOADED", messages: 1 });
  });

  test("keeps its bytes and its place after its deadline until its response is cut", async () => {
    const settings = { APP_MAX_STREAMS: "2" };
    const service = await start({ settings, streams: { maxUnsentBytes: 100_000 } });
    const { closed } = await openUnread(service, { "grpc-timeout": "200m" });
    (await service.nextFeed()).send(text(60_000));
    await service.logged({ code: "DeadlineExceeded", messages: 1 });
    const call = open(service, "gRPC by grpc-js", "WatchAll");
    const feed = await service.nextFeed();
    expect(await open(service, "gRPC by grpc-js", "WatchAll").next()).toEqual(tooManyInAll);
    feed.send(text(70_000));
    expect(await call.next()).toEqual(tooManyInAll);
    await closed;
    for (let count = 0; count < 2; count++) {
      open(service, "gRPC by grpc-js", "WatchAll");
      await service.nextFeed();
    }
  });
});

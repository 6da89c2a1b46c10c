/** Calls with streamed responses pass authentication, authorization, validation, the log and the drain, by every protocol. */
import { setTimeout } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { DomainError } from "../src/domain/failure.ts";
import { concertIdOf } from "../src/domain/ids.ts";
import { takeRequiredOwner } from "../src/rpc/call-context.ts";
import {
  bearer,
  type Claims,
  createTokenIssuer,
  nowSeconds,
  type TokenIssuer,
  trusting,
} from "./support/auth/tokens.ts";
import { openCall, protocolOf, type StreamCallOptions, type Way, ways } from "./support/service/stream-clients.ts";
import { type StreamService, type StreamServiceOptions, startStreamService } from "./support/service/stream-service.ts";

let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = await createTokenIssuer();
});

async function start(options: StreamServiceOptions = {}): Promise<StreamService> {
  const service = await startStreamService(options);
  onTestFinished(() => service.close());
  return service;
}

const withTokens = (options: StreamServiceOptions = {}) =>
  start({ ...options, settings: trusting(issuer, options.settings) });
const tokenOf = async (claims: Claims = {}) => ({
  headers: bearer(await issuer.sign({ sub: "nora", scope: "bookings:read", ...claims })),
});

type Method = Parameters<StreamService["method"]>[0];

/** Opens a stream that the end of the test cancels. */
function open(service: StreamService, way: Way, method: Method, request = {}, options: StreamCallOptions = {}) {
  const call = openCall(way, service.baseUrl, service.method(method), request, options);
  onTestFinished(() => call.cancel());
  return call;
}

const refused = (code: string, reason: string | undefined, message: string) => ({
  end: expect.objectContaining({ code, reason, message }),
});

describe.each(ways)("by %s", (way) => {
  test("sends each message at once, and logs the end in one line", async () => {
    const service = await start();
    const call = open(service, way, "WatchAll");
    const feed = await service.nextFeed();
    for (const text of ["one", "two", "three"]) {
      feed.send(text);
      expect(await call.next()).toEqual({ text });
    }
    expect(service.calls).toEqual([]);
    feed.end();
    expect(await call.next()).toEqual({ end: "OK" });
    await service.logged({
      ...{ level: "debug", method: "frontrow.test.v1.StreamService/WatchAll", protocol: protocolOf(way) },
      ...{ code: "OK", messages: 3, duration_ms: expect.any(Number) },
    });
    expect(service.calls).toHaveLength(1);
  });

  test("the token's subject is the caller of the stream", async () => {
    const service = await withTokens();
    const call = open(service, way, "WatchUser", {}, await tokenOf());
    const feed = await service.nextFeed();
    expect(feed.request).toMatchObject({ userId: "nora" });
    feed.end();
    expect(await call.next()).toEqual({ end: "OK" });
    // Another user's, for an administrator.
    open(service, way, "WatchUser", { userId: "otto" }, await tokenOf({ scope: "bookings:admin" }));
    expect((await service.nextFeed()).request).toMatchObject({ userId: "otto" });
  });

  test("a caller without the scope is rejected before the handler starts", async () => {
    const service = await withTokens();
    const refusals: [request: object, options: StreamCallOptions, expected: object][] = [
      [{}, {}, refused("UNAUTHENTICATED", "UNAUTHENTICATED", "this takes a bearer token, in the header Authorization")],
      [
        {},
        await tokenOf({ exp: nowSeconds() - 60 }),
        refused("UNAUTHENTICATED", "UNAUTHENTICATED", "the token has expired"),
      ],
      [
        {},
        await tokenOf({ scope: "concerts:write" }),
        refused("PERMISSION_DENIED", "MISSING_SCOPE", "this takes a token with the scope bookings:read"),
      ],
      [
        { userId: "otto" },
        await tokenOf(),
        refused("PERMISSION_DENIED", "MISSING_SCOPE", expect.stringContaining("the request is for another user")),
      ],
    ];
    for (const [request, options, expected] of refusals) {
      expect(await open(service, way, "WatchUser", request, options).next()).toEqual(expected);
    }
    expect(service.feeds).toEqual([]);
    await service.logged({ code: "PermissionDenied", reason: "MISSING_SCOPE", messages: 0 });
  });

  test("the request is normalized and validated", async () => {
    const service = await start();
    // Five characters in NFC, ten without.
    const call = open(service, way, "WatchAll", { topic: "e\u0301".repeat(5) });
    const feed = await service.nextFeed();
    expect(feed.request).toMatchObject({ topic: "\u00e9".repeat(5) });
    feed.end();
    await call.next();
    const { end } = (await open(service, way, "WatchAll", { topic: "toolong" }).next()) as { end: object };
    expect(end).toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "INVALID_REQUEST",
      violations: [{ field: "topic" }],
    });
    expect(service.feeds).toHaveLength(1);
  });

  test("a drain ends the stream with a reason that the client can read", async () => {
    const service = await start();
    const call = open(service, way, "WatchAll");
    const feed = await service.nextFeed();
    feed.send("before");
    expect(await call.next()).toEqual({ text: "before" });
    const end = call.next();
    const drained = service.drain();
    const { end: refusal } = (await end) as { end: object };
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "SHUTTING_DOWN", retryDelayMs: 1_000 });
    await drained;
    expect(feed.context.signal.aborted).toBe(true);
    // It is no trouble of the service.
    await service.logged({ level: "debug", code: "Unavailable", reason: "SHUTTING_DOWN", messages: 1 });
  });

  test("a client that cancels ends the stream, and its place is free", async () => {
    const service = await start({ settings: { APP_MAX_STREAMS: "1" } });
    const call = open(service, way, "WatchAll");
    const feed = await service.nextFeed();
    feed.send("one");
    await call.next();
    expect(await open(service, way, "WatchAll").next()).toMatchObject({ end: { reason: "OVERLOADED" } });
    call.cancel();
    await service.logged({ level: "debug", code: "Canceled", messages: 1 });
    expect(feed.context.signal.aborted).toBe(true);
    const next = open(service, way, "WatchAll");
    (await service.nextFeed()).send("two");
    expect(await next.next()).toEqual({ text: "two" });
  });

  test("an error of the handler ends the stream with its code", async () => {
    const service = await start();
    const failures: [error: Error, expected: object][] = [
      [
        new DomainError({ reason: "CONCERT_NOT_FOUND", concertId: concertIdOf(7n) }),
        { code: "NOT_FOUND", message: "there is no concert 7" },
      ],
      [new ConnectError("no more", Code.OutOfRange), { code: "OUT_OF_RANGE", message: "no more" }],
      [new Error("a secret"), { code: "INTERNAL", reason: "INTERNAL", message: "internal error" }],
    ];
    for (const [error, expected] of failures) {
      const call = open(service, way, "WatchAll");
      const feed = await service.nextFeed();
      feed.send("one");
      expect(await call.next()).toEqual({ text: "one" });
      feed.end(error);
      expect(await call.next()).toMatchObject({ end: expected });
    }
    const unforeseen = service.lines.filter(({ msg }) => msg === "a call failed for an unforeseen reason");
    expect(unforeseen).toHaveLength(1);
  });
});

// All at once, since each has to wait for the clock.
test.concurrent.each(ways)("a token that expires ends the stream: %s", async (way) => {
  const service = await startStreamService({ settings: trusting(issuer) });
  // It is accepted until 5 seconds after its exp.
  const options = await tokenOf({ exp: nowSeconds() - 1 });
  const call = openCall(way, service.baseUrl, service.method("WatchUser"), {}, options);
  try {
    const feed = await service.nextFeed();
    feed.send("before");
    expect(await call.next()).toEqual({ text: "before" });
    expect(await call.next()).toEqual(refused("UNAUTHENTICATED", "UNAUTHENTICATED", "the token has expired"));
    expect(feed.context.signal.aborted).toBe(true);
    await service.logged({ code: "Unauthenticated", reason: "UNAUTHENTICATED", messages: 1 });
  } finally {
    await service.close();
  }
});

describe("a deadline", () => {
  const timeouts: [way: Way, headers: Record<string, string>][] = [
    ["gRPC by connect-node", { "grpc-timeout": "100m" }],
    ["gRPC-Web over HTTP/1.1", { "grpc-timeout": "100m" }],
    ["Connect JSON over HTTP/1.1", { "connect-timeout-ms": "100" }],
    ["Connect binary over h2c", { "connect-timeout-ms": "100" }],
  ];
  // Without the client's own timer, so that the end is the server's.
  const none: [way: Way, headers: Record<string, string>][] = [
    ["gRPC by connect-node", { "grpc-timeout": "0m" }],
    ["gRPC by grpc-js", { "grpc-timeout": "0n" }],
    ["gRPC-Web over HTTP/1.1", { "grpc-timeout": "0m" }],
    ["Connect JSON over HTTP/1.1", { "connect-timeout-ms": "0" }],
    ["Connect binary over h2c", { "connect-timeout-ms": "0" }],
  ];
  test.each([...timeouts, ...none])("of the client ends the stream: %s, %o", async (way, headers) => {
    const service = await start();
    const call = open(service, way, "WatchAll", {}, { headers });
    const expected = refused("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "the deadline of the stream passed");
    expect(await call.next()).toEqual(expected);
    await service.logged({ code: "DeadlineExceeded", reason: "DEADLINE_EXCEEDED", messages: 0 });
  });

  test.each(ways)("that the client keeps itself is DEADLINE_EXCEEDED: %s", async (way) => {
    const service = await start();
    expect(await open(service, way, "WatchAll", {}, { timeoutMs: 100 }).next()).toMatchObject({
      end: { code: "DEADLINE_EXCEEDED" },
    });
    const [feed] = service.feeds;
    if (feed && !feed.context.signal.aborted) {
      await new Promise((resolve) => feed.context.signal.addEventListener("abort", resolve));
    }
  });

  test("of unary calls does not end a stream", async () => {
    const service = await start({ settings: { APP_REQUEST_TIMEOUT: "1ms" } });
    const call = open(service, "Connect JSON over h2c", "WatchAll");
    const feed = await service.nextFeed();
    await setTimeout(20);
    feed.send("later");
    expect(await call.next()).toEqual({ text: "later" });
  });
});

describe("what belongs to a user", () => {
  test("requires that the handler names the owner before its first message or its end", async () => {
    const careless = await withTokens();
    for (const act of ["send", "end"] as const) {
      const call = open(careless, "gRPC by grpc-js", "WatchBooking", { id: 1n }, await tokenOf());
      const feed = await careless.nextFeed();
      if (act === "send") feed.send("a secret");
      else feed.end();
      expect(await call.next()).toMatchObject({ end: { code: "INTERNAL" } });
    }
    const owners: unknown[] = [];
    const careful = await withTokens({ begin: (context) => owners.push(takeRequiredOwner(context.values)) });
    const call = open(careful, "gRPC by grpc-js", "WatchBooking", { id: 1n }, await tokenOf());
    (await careful.nextFeed()).send("a booking");
    expect(await call.next()).toEqual({ text: "a booking" });
    expect(owners).toEqual(["nora"]);
  });
});

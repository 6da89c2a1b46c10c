import { createHandlerContext } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Health } from "../../../gen/health/v1/health_pb.ts";
import { createCallContext } from "../call-context.ts";
import { setWire } from "./open-stream.ts";
import { createStreamLimits, type StreamLimits } from "./stream-limits.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Yields messages without end. */
async function* endless() {
  for (let count = 1; ; count++) yield count;
}

async function* silent(): AsyncGenerator<number> {
  await new Promise(() => {});
}

function streamsWithin(limits: Partial<StreamLimits>) {
  const all = { maxStreams: 10, maxStreamsPerAddress: 10, longestMs: 60_000, maxUnsentBytes: 100, ...limits };
  const { limit } = createStreamLimits(all);
  return (address = "192.0.2.1", messages: AsyncIterable<number> = endless(), messageBytes = 0) => {
    const hangUp = new AbortController();
    const contextValues = createCallContext({ address, protocol: "grpc", requestId: "", httpVersion: "2" });
    const closed = new AbortController();
    const close = () => closed.abort();
    const cut = vi.fn((delayMs: number) => void setTimeout(close, delayMs));
    const onClose = (release: () => void) =>
      closed.signal.aborted ? release() : closed.signal.addEventListener("abort", release);
    setWire(contextValues, { cutAfter: cut, unsentBytes: () => 0, onClose });
    const context = createHandlerContext({
      service: Health,
      method: Health.method.watch,
      protocolName: "grpc",
      requestMethod: "POST",
      url: "http://test/",
      contextValues,
      requestSignal: hangUp.signal,
    });
    const sent = limit(context, messages, () => messageBytes);
    const hangUpNow = () => {
      hangUp.abort();
      close();
    };
    return { next: () => sent.next(), end: () => sent.return(0), hangUp: hangUpNow, cut };
  };
}

const tooMany = "[resource_exhausted] too many streams are open";

test("the streams of the process are limited, and an ended one leaves room", async () => {
  const open = streamsWithin({ maxStreams: 2 });
  const first = open();
  await first.next();
  await open("192.0.2.2").next();
  await expect(open("192.0.2.3").next()).rejects.toThrow(tooMany);
  await first.end();
  expect(await open("192.0.2.3").next()).toMatchObject({ value: 1 });
});

test("the streams of an address are limited, and another address has room", async () => {
  const open = streamsWithin({ maxStreamsPerAddress: 1 });
  const first = open("2001:db8::1");
  await first.next();
  await expect(open("2001:db8::2").next()).rejects.toThrow(tooMany);
  await open("2001:db8:0:1::1").next();
  await first.end();
  await open("2001:db8::2").next();
});

test("a stream ends after its longest duration, and leaves room", async () => {
  const open = streamsWithin({ maxStreams: 1, longestMs: 1_000 });
  const first = open("192.0.2.1", silent());
  const end = first.next();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await end).toMatchObject({ done: true });
  await open().next();
});

test("a stream is cut if its client does not receive its end, or its rejection", async () => {
  const open = streamsWithin({ maxStreams: 1, longestMs: 1_000 });
  const first = open();
  await first.next();
  const second = open();
  await expect(second.next()).rejects.toThrow(tooMany);
  expect([first.cut.mock.calls, second.cut.mock.calls]).toEqual([[], [[5_000]]]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(first.cut.mock.calls).toEqual([[5_000]]);
});

test("a stream that was cut leaves room, even if its client never reads its end", async () => {
  const open = streamsWithin({ maxStreams: 1, longestMs: 1_000 });
  await open().next();
  await vi.advanceTimersByTimeAsync(5_999);
  await expect(open().next()).rejects.toThrow(tooMany);
  await vi.advanceTimersByTimeAsync(1);
  expect(await open().next()).toMatchObject({ value: 1 });
});

test("a client that hangs up before its stream begins leaves room at once", async () => {
  const open = streamsWithin({ maxStreams: 1 });
  const first = open();
  first.hangUp();
  await expect(first.next()).rejects.toThrow("about to stop");
  expect(await open().next()).toMatchObject({ value: 1 });
});

test("the messages that wait unsent are limited in bytes, of all streams together", async () => {
  const open = streamsWithin({ maxUnsentBytes: 100 });
  const [first, second] = [open("192.0.2.1", endless(), 60), open("192.0.2.2", endless(), 40)];
  await first.next();
  await second.next();
  await expect(open("192.0.2.3", endless(), 60).next()).rejects.toThrow("[resource_exhausted] too many responses wait");
  // The one before has been taken.
  expect(await second.next()).toMatchObject({ value: 2 });
  await first.end();
  expect(await open("192.0.2.3", endless(), 60).next()).toMatchObject({ value: 1 });
});

test("a stream makes room for one that holds less: it is cut", async () => {
  const open = streamsWithin({ maxUnsentBytes: 100 });
  const [first, second] = [open("192.0.2.1", endless(), 60), open("192.0.2.2", endless(), 40)];
  await first.next();
  await second.next();
  expect(await open("192.0.2.3", endless(), 59).next()).toMatchObject({ value: 1 });
  expect([first.cut.mock.lastCall, second.cut.mock.lastCall]).toEqual([[0], undefined]);
  await expect(first.next()).rejects.toThrow("[resource_exhausted] too many responses wait");
});

test("a client that hangs up leaves room at once, with responses unsent", async () => {
  const open = streamsWithin({ maxStreams: 1, maxUnsentBytes: 60 });
  const first = open("192.0.2.1", endless(), 60);
  await first.next();
  first.hangUp();
  const second = open("192.0.2.1", endless(), 60);
  expect(await second.next()).toMatchObject({ value: 1 });
  // The end of the first one's messages must not leave room a second time.
  await first.end();
  await expect(open().next()).rejects.toThrow(tooMany);
});

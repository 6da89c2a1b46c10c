/** The limits against floods of HTTP/2: streams at once, wasted streams ("rapid reset"), invalid frames, and idle time. */
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type ProtocolLimits, unlessClosed } from "./protocol-server.ts";

/** nghttp2's limit counts every reset. Ours (`limitWaste`) counts only streams that no work was done for. */
const noLimit = 1e9;

/** The limits that Node's server applies itself. */
export const nodeFloodLimits = {
  streamResetBurst: noLimit,
  streamResetRate: noLimit,
  // Frames that break the protocol without ending the connection. Honest clients send none.
  maxSessionInvalidFrames: 100,
};

/** Notes that work is done for a stream. One that ends without any counts as wasted. */
export type BeginStream = (stream: ServerHttp2Stream) => void;

/** Limits a connection until it closes. */
export function limitConnection(session: ServerHttp2Session, limits: ProtocolLimits): BeginStream {
  const { maxConcurrentStreams } = limits;
  const isWasteTooMuch = limitWaste(maxConcurrentStreams);
  const timer = closeWhenIdle(session, limits, () => streams === 0);
  /** The open streams that work is done for. */
  const begun = new Set<ServerHttp2Stream>();
  let streams = 0;
  function countWaste(): void {
    if (!isWasteTooMuch() || session.destroyed) return;
    session.destroy(
      new Error("too many streams were reset before their requests arrived"),
      constants.NGHTTP2_ENHANCE_YOUR_CALM,
    );
  }
  // Each of these is one function for all streams: each call holds what is made for it while it waits.
  function onRefusedClose(): void {
    streams--;
    if (streams === 0 && !session.closed) timer.refresh();
  }
  function onClose(this: ServerHttp2Stream): void {
    onRefusedClose();
    if (!begun.delete(this)) countWaste();
  }
  /** Runs when a stream closes before its response has ended. At "close" Node has ended the request, whole or not. */
  function onAborted(this: ServerHttp2Stream): void {
    if (!hasArrived(this)) begun.delete(this);
    // Node keeps a stream whose request is paused, even if the client has closed it.
    this.resume();
  }
  session.on("stream", (stream) => {
    streams++;
    if (streams <= maxConcurrentStreams) return void stream.on("close", onClose);
    stream.on("close", onRefusedClose);
    // This code says that the request was not begun, so that the client may repeat it.
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
    // Not at "close", which is in a later turn: one packet begins thousands of streams.
    countWaste();
  });
  return (stream) => {
    begun.add(stream);
    stream.on("aborted", onAborted);
  };
}

/** Whether all of a request has arrived and, if it has a body, has been read. */
export function hasArrived(stream: ServerHttp2Stream): boolean {
  return stream.endAfterHeaders || stream.readableEnded;
}

/**
 * Ends a connection that has had no stream for the idle time, whatever else it sends: neither pings nor headers that
 * never end keep it open.
 */
function closeWhenIdle(session: ServerHttp2Session, limits: ProtocolLimits, isIdle: () => boolean): NodeJS.Timeout {
  const { idleTimeoutMs, lingerTimeoutMs, headersTimeoutMs } = limits;
  const timer = setTimeout(() => {
    if (!isIdle()) return;
    session.close();
    // Nothing but headers that have begun can keep it from closing now.
    unlessClosed(session, Math.min(lingerTimeoutMs, headersTimeoutMs), () => session.destroy());
  }, idleTimeoutMs);
  session.once("close", () => clearTimeout(timer));
  return timer;
}

/**
 * Limits the streams that a client wastes ("rapid reset"). The returned function counts one, and returns whether it is over
 * the limit.
 *
 * The budget has room for honest clients of a busy process: calls whose deadlines pass before the process reads them look
 * the same as an attack. Within the budget an attacker takes less time from the process than with calls of paths that do
 * not exist. Beyond it, what one packet after another brings would fill a turn of the event loop.
 *
 * A stream whose whole request has arrived and been begun is not counted, however soon it is reset. At most
 * `maxConcurrentStreams` of a connection are begun in one turn of the event loop, and each is subject to the limits of every
 * call: the caller's rate and the lengths of the queues. So an attacker who resets each stream just after its request has
 * been begun makes the process do no more than with calls that are not reset.
 */
function limitWaste(maxConcurrentStreams: number): () => boolean {
  // All the calls of a connection, eight times at once and twenty times a second. A client may begin any number of streams
  // before it has received the limit, so the burst has a minimum.
  const burst = Math.max(8 * maxConcurrentStreams, 1_000);
  const perMs = (20 * maxConcurrentStreams) / 1_000;
  let left = burst;
  let filledAtMs = performance.now();
  return () => {
    const nowMs = performance.now();
    left = Math.min(burst, left + (nowMs - filledAtMs) * perMs) - 1;
    filledAtMs = nowMs;
    return left < 0;
  };
}

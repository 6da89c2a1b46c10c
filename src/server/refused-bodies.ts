/**
 * What is left of requests that have been refused. It is read to its end and forgotten, for a client that writes all
 * before it reads would never see its answer otherwise, but no faster than a budget that all of them share: each piece
 * takes memory outside of the heap, and a flood of them would make V8 collect all of the heap again and again.
 */
import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";

export interface RefusedBodies {
  /** Drops what is left of the request. What has arrived as a whole costs nothing. */
  drop(request: IncomingMessage): void;
}

export interface RefusedBodiesOptions {
  /** How fast, and how much at once after a pause. */
  readonly bytesPerSecond?: number;
  /** How many may wait for their turn. Past that the one that has been at it for the longest is cut off. */
  readonly maxWaiting?: number;
  /** A clock in milliseconds. */
  readonly now?: () => number;
}

/** What one read of a socket brings at most. */
const pieceBytes = 64 * 1024;
const defaultBytesPerSecond = 2 * 1024 * 1024;
const defaultMaxWaiting = 128;

/** Starts with all of a second's budget. How long a request may take is for the connections to limit. */
export function createRefusedBodies(options: RefusedBodiesOptions = {}): RefusedBodies {
  const { bytesPerSecond = defaultBytesPerSecond, maxWaiting = defaultMaxWaiting } = options;
  const { now = () => performance.now() } = options;
  /** Those not read to their end, in the order they came, with what each has paid for its next piece. */
  const prepaidBytes = new Map<IncomingMessage, number>();
  /** Those of them that are paused, in the order of their turns. */
  const waiting = new Set<IncomingMessage>();
  const forgetters = new WeakMap<IncomingMessage, () => void>();
  let budgetBytes = bytesPerSecond;
  let filledAtMs = now();
  /** Exists while somebody waits. Nobody waits for ever, as requests end with their connections. */
  let timer: NodeJS.Timeout | undefined;

  function fill(): void {
    const nowMs = now();
    budgetBytes = Math.min(bytesPerSecond, budgetBytes + ((nowMs - filledAtMs) / 1_000) * bytesPerSecond);
    filledAtMs = nowMs;
  }

  function pay(bytes: number): void {
    fill();
    budgetBytes -= bytes;
  }

  /** Lets a request have one piece. It is paid before it is there, so that many cannot have the same bytes. */
  function readPiece(request: IncomingMessage): void {
    pay(pieceBytes);
    prepaidBytes.set(request, pieceBytes);
    if (!isHttp2(request)) request.socket.resume();
    request.resume();
  }

  function readOrWait(request: IncomingMessage): void {
    fill();
    if (waiting.size === 0 && budgetBytes >= pieceBytes) {
      readPiece(request);
      return;
    }
    request.pause();
    // Or another piece would be read in advance.
    if (!isHttp2(request)) request.socket.pause();
    waiting.add(request);
    if (waiting.size > maxWaiting) cutOldest();
    takeTurnsLater();
  }

  function takeTurnsLater(): void {
    if (timer !== undefined || waiting.size === 0) return;
    const delayMs = Math.ceil(((pieceBytes - budgetBytes) / bytesPerSecond) * 1_000);
    timer = setTimeout(takeTurns, Math.max(1, delayMs)).unref();
  }

  function takeTurns(): void {
    timer = undefined;
    fill();
    for (const request of waiting) {
      if (budgetBytes < pieceBytes) break;
      waiting.delete(request);
      readPiece(request);
    }
    takeTurnsLater();
  }

  function cutOldest(): void {
    const [oldest] = prepaidBytes.keys();
    if (oldest === undefined) return;
    forgetters.get(oldest)?.();
    cut(oldest);
  }

  return {
    drop(request) {
      if (request.complete || request.destroyed) return void request.resume();
      if (prepaidBytes.has(request)) return;
      const onData = (chunk: Uint8Array) => {
        pay(chunk.length - (prepaidBytes.get(request) ?? 0));
        prepaidBytes.set(request, 0);
        readOrWait(request);
      };
      const forget = () => {
        request.off("data", onData).off("end", forget).off("close", forget);
        pay(-(prepaidBytes.get(request) ?? 0));
        prepaidBytes.delete(request);
        waiting.delete(request);
        if (waiting.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
      };
      prepaidBytes.set(request, 0);
      forgetters.set(request, forget);
      // What is here. Node reads requests to their end, once answered, that nobody has asked for anything.
      for (let here = request.read(); here !== null; here = request.read()) pay(here.length);
      request.on("data", onData).once("end", forget).once("close", forget);
      readOrWait(request);
    },
  };
}

/** Ends what a client still sends. It has had its answer. */
function cut(request: IncomingMessage | Http2ServerRequest): void {
  if (isHttp2(request)) request.stream.close(constants.NGHTTP2_NO_ERROR);
  // Else the connection may be at its next request.
  else if (!request.complete) request.socket.destroy();
  // What has arrived is forgotten.
  request.resume();
}

/** HTTP/2's requests imitate those of HTTP/1. */
function isHttp2(request: IncomingMessage | Http2ServerRequest): request is Http2ServerRequest {
  return "stream" in request;
}

/**
 * What is left of HTTP/1 requests that have been refused. It is read to its end and forgotten, for a client that writes all
 * before it reads would never see its answer otherwise, but no faster than a budget that all of them share: each piece
 * takes memory outside of the heap, and a flood of them would make V8 collect all of the heap again and again.
 */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

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

/** How long a request may take is for the connections to limit. */
export function createRefusedBodies(options: RefusedBodiesOptions = {}): RefusedBodies {
  const { bytesPerSecond = defaultBytesPerSecond, maxWaiting = defaultMaxWaiting } = options;
  const budget = createBudget(bytesPerSecond, options.now ?? (() => performance.now()));
  const turnMs = (pieceBytes / bytesPerSecond) * 1_000;
  /** Those not read to their end, in the order they came. */
  const dropped = new Set<IncomingMessage>();
  /** Those of them that are paused, in the order of their turns. Each has sent something: a silent one costs nothing. */
  const waiting = new Set<IncomingMessage>();
  /** Exists while a request waits. None waits for ever, as requests end with their connections. */
  let timer: NodeJS.Timeout | undefined;

  function waitForTurn(request: IncomingMessage): void {
    pause(request);
    waiting.add(request);
    if (waiting.size > maxWaiting) cutOldest();
    takeTurnsLater();
  }

  function takeTurnsLater(): void {
    if (timer !== undefined || waiting.size === 0) return;
    const delayMs = Math.ceil(((pieceBytes - budget.bytes()) / bytesPerSecond) * 1_000);
    timer = setTimeout(takeTurns, Math.max(turnMs, delayMs)).unref();
  }

  /** Lets as many go on as the budget is good for a piece each. */
  function takeTurns(): void {
    timer = undefined;
    let left = budget.bytes();
    for (const request of waiting) {
      if (left < pieceBytes) break;
      left -= pieceBytes;
      waiting.delete(request);
      resume(request);
    }
    takeTurnsLater();
  }

  function cutOldest(): void {
    const oldest = dropped.values().find((request) => waiting.has(request));
    if (oldest === undefined) return;
    forget(oldest);
    cut(oldest);
  }

  function forget(request: IncomingMessage): void {
    dropped.delete(request);
    waiting.delete(request);
    if (waiting.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  }

  function drop(request: IncomingMessage | Http2ServerRequest): void {
    // Its stream is closed once it is answered, and until then no more arrives than fits its window.
    if (isHttp2(request)) return;
    if (request.complete || request.destroyed) return void request.resume();
    if (dropped.has(request)) return;
    dropped.add(request);
    // What is here. Node reads a request to its end, once answered, if nothing of it was read.
    let isSilent = true;
    for (let here = request.read(); here !== null; here = request.read()) {
      budget.pay(here.length);
      isSilent = false;
    }
    request.on("data", (piece: Uint8Array) => {
      // One that has been cut off may still have something.
      if (!dropped.has(request)) return;
      budget.pay(piece.length);
      if (budget.bytes() < pieceBytes) waitForTurn(request);
    });
    request.once("end", () => forget(request)).once("close", () => forget(request));
    if (isSilent || budget.bytes() >= pieceBytes) resume(request);
    else waitForTurn(request);
  }

  return { drop };
}

/** So many bytes a second, and at once no more than a second's, which are there at the start. It may be overdrawn. */
function createBudget(bytesPerSecond: number, now: () => number) {
  let left = bytesPerSecond;
  let filledAtMs = now();
  const bytes = () => {
    const nowMs = now();
    left = Math.min(bytesPerSecond, left + ((nowMs - filledAtMs) / 1_000) * bytesPerSecond);
    filledAtMs = nowMs;
    return left;
  };
  const pay = (count: number) => {
    left = bytes() - count;
  };
  return { bytes, pay };
}

function pause(request: IncomingMessage): void {
  request.pause();
  // Or another piece would be read in advance.
  request.socket.pause();
}

function resume(request: IncomingMessage): void {
  request.socket.resume();
  request.resume();
}

/** Ends what a client still sends. It may have seen its answer: that has been sent, or is about to be. */
function cut(request: IncomingMessage): void {
  // Else the connection may be at its next request.
  if (!request.complete) request.socket.destroy();
  // What has arrived is forgotten.
  request.resume();
}

/** HTTP/2's requests imitate those of HTTP/1. */
function isHttp2(request: IncomingMessage | Http2ServerRequest): request is Http2ServerRequest {
  return "stream" in request;
}

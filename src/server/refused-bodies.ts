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

/** How long a request may take is for the connections to limit. */
export function createRefusedBodies(options: RefusedBodiesOptions = {}): RefusedBodies {
  const { bytesPerSecond = defaultBytesPerSecond, maxWaiting = defaultMaxWaiting } = options;
  const budget = createBudget(bytesPerSecond, options.now ?? (() => performance.now()));
  /** Those not read to their end, in the order they came, with what each has paid for its next piece. */
  const prepaidBytes = new Map<IncomingMessage, number>();
  /** Those of them that are paused, in the order of their turns. */
  const waiting = new Set<IncomingMessage>();
  /** Exists while somebody waits. Nobody waits for ever, as requests end with their connections. */
  let timer: NodeJS.Timeout | undefined;

  function readOrWait(request: IncomingMessage): void {
    if (waiting.size === 0 && budget.bytes() >= pieceBytes) {
      readPiece(request);
      return;
    }
    pause(request);
    waiting.add(request);
    if (waiting.size > maxWaiting) cutOldest();
    takeTurnsLater();
  }

  /** Lets a request have one piece. It is paid before it is there, so that many cannot have the same bytes. */
  function readPiece(request: IncomingMessage): void {
    budget.pay(pieceBytes);
    prepaidBytes.set(request, pieceBytes);
    resume(request);
  }

  function takeTurnsLater(): void {
    if (timer !== undefined || waiting.size === 0) return;
    const delayMs = Math.ceil(((pieceBytes - budget.bytes()) / bytesPerSecond) * 1_000);
    timer = setTimeout(takeTurns, Math.max(1, delayMs)).unref();
  }

  function takeTurns(): void {
    timer = undefined;
    for (const request of waiting) {
      if (budget.bytes() < pieceBytes) break;
      waiting.delete(request);
      readPiece(request);
    }
    takeTurnsLater();
  }

  function cutOldest(): void {
    const [oldest] = prepaidBytes.keys();
    if (oldest === undefined) return;
    forget(oldest);
    cut(oldest);
  }

  function forget(request: IncomingMessage): void {
    budget.pay(-(prepaidBytes.get(request) ?? 0));
    prepaidBytes.delete(request);
    waiting.delete(request);
    if (waiting.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  }

  function drop(request: IncomingMessage): void {
    if (request.complete || request.destroyed) return void request.resume();
    if (prepaidBytes.has(request)) return;
    prepaidBytes.set(request, 0);
    // What is here. Node reads requests to their end, once answered, that nobody has asked for anything.
    for (let here = request.read(); here !== null; here = request.read()) budget.pay(here.length);
    request.on("data", (chunk: Uint8Array) => {
      const prepaid = prepaidBytes.get(request);
      // Has been cut off.
      if (prepaid === undefined) return;
      budget.pay(chunk.length - prepaid);
      prepaidBytes.set(request, 0);
      readOrWait(request);
    });
    request.once("end", () => forget(request)).once("close", () => forget(request));
    readOrWait(request);
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

function pause(request: IncomingMessage | Http2ServerRequest): void {
  request.pause();
  // Or another piece would be read in advance.
  if (!isHttp2(request)) request.socket.pause();
}

function resume(request: IncomingMessage | Http2ServerRequest): void {
  if (!isHttp2(request)) request.socket.resume();
  request.resume();
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

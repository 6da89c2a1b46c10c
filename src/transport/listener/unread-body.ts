/**
 * What is left of an HTTP/1 request that is answered before all of it has arrived, as Go's net/http handles it. A client that
 * writes its whole request before it reads would never see the response if nothing more were read. Without a limit a client
 * could send for ever, and the memory of what it sends would make V8 collect the whole heap again and again.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { unlessClosed } from "./protocol-server.ts";

/** Beyond this the connection is closed: the next request would follow the rest of the body. */
const maxReadBytes = 256 * 1024;
/** Between the end of our side and the close. A client that still sends gets a reset then, which can overtake the response. */
const closeDelayMs = 500;

const discarded = new WeakSet<IncomingMessage>();

/**
 * Has the response announce `Connection: close` for a body that is, or may be, over the limit, until all of it has been read.
 * Without it a client that has its response would send the next request on the connection.
 */
export function announceClose(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers["transfer-encoding"] === undefined && !isOverLimit(request)) return;
  if (!response.shouldKeepAlive) return;
  // Not by the header, which a drain sets.
  response.shouldKeepAlive = false;
  request.once("end", () => {
    response.shouldKeepAlive = true;
  });
}

/** Reads what is left of a request and drops it. If that is over the limit, closes the connection after the response. */
export function discardBody(request: IncomingMessage, response: ServerResponse): void {
  // A stream of HTTP/2 is closed once it is answered. Until then no more arrives than fits its window.
  if ("stream" in request || discarded.has(request)) return;
  if (request.complete) return void request.resume();
  discarded.add(request);
  let isOver = isOverLimit(request);
  // Node calls it after a response with `Connection: close`. To destroy a socket with unread bytes is to reset it. A client
  // that is within the limit first sends the rest of its request, for which it has the time of any request.
  request.socket.destroySoon = () => {
    if (isOver || request.complete) closeSoon(request.socket);
    else request.once("end", () => closeSoon(request.socket));
  };
  // Node reads a request that nothing has read from to its end by itself, once it is answered. This counts as reading.
  request.read(0);
  if (isOver) return void closeAfter(request, response);
  let read = 0;
  const count = (piece: Buffer) => {
    read += piece.length;
    if (read <= maxReadBytes) return;
    request.off("data", count);
    isOver = true;
    closeAfter(request, response);
  };
  request.on("data", count).resume();
}

function isOverLimit({ headers }: IncomingMessage): boolean {
  return Number(headers["content-length"] ?? 0) > maxReadBytes;
}

function closeAfter(request: IncomingMessage, response: ServerResponse): void {
  request.pause();
  // Or Node reads another piece in advance.
  request.socket.pause();
  if (response.writableFinished) closeSoon(request.socket);
  else response.once("finish", () => closeSoon(request.socket));
}

function closeSoon(socket: Socket): void {
  if (socket.writableEnded) return;
  socket.end();
  unlessClosed(socket, closeDelayMs, () => socket.destroy());
}

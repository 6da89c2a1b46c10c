/** HTTP/1.1 connections: Node's server, with limits on what one connection may have under way, and a drain. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type HttpError, httpError } from "../http-errors.ts";
import type { ProtocolLimits, ProtocolServer, RequestHandler } from "./protocol-server.ts";
import { refuse, refuseBytes, refuseExpectation } from "./refusals.ts";
import { announceClose, discardBody } from "./unread-body.ts";

/** What a connection waits for: with pipelining, several responses. */
interface Pending {
  /** The response to the newest request. Those to older requests are sent before it. */
  readonly newest: ServerResponse;
  readonly calls: number;
}

/** Creates the server of HTTP/1.1. */
export function createHttp1(handler: RequestHandler, limits: ProtocolLimits): ProtocolServer {
  const pending = new Map<Socket, Pending>();
  let draining = false;

  const receive = (handle: RequestHandler) => (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const before = pending.get(socket);
    const calls = (before?.calls ?? 0) + 1;
    // Few clients pipeline at all, and HTTP/1 has no way to announce a limit.
    if (calls > limits.maxConcurrentStreams) {
      socket.destroy();
      return;
    }
    pending.set(socket, { newest: response, calls });
    announceClose(request, response);
    // Each of these is one function for all calls: a call holds what is made for it while it waits.
    response.on("prefinish", discardRest).on("close", onClose);
    if (draining) {
      if (before?.newest.headersSent === false) before.newest.removeHeader("connection");
      closeAfter(response);
    }
    const fault = faultOf(request);
    if (fault) refuse(request, response, fault);
    else handle(request, response);
  };
  function onClose(this: ServerResponse): void {
    if (this.req.complete) forget.call(this.req);
    else this.req.on("close", forget);
  }
  function forget(this: IncomingMessage): void {
    const now = pending.get(this.socket);
    if (now === undefined || now.calls === 1) pending.delete(this.socket);
    else pending.set(this.socket, { ...now, calls: now.calls - 1 });
  }
  const server = openServer(receive(handler), limits, pending);
  server.on("checkExpectation", receive(refuseExpectation));

  let sweeping = false;
  /** Once for all responses that close in the same turn: it checks every connection. */
  function closeIdleSoon(): void {
    if (sweeping) return;
    sweeping = true;
    setImmediate(() => {
      sweeping = false;
      server.closeIdleConnections();
    });
  }

  function closeAfter(response: ServerResponse): void {
    if (!response.headersSent) response.setHeader("connection", "close");
    // It may be too late for the header.
    response.once("close", closeIdleSoon);
  }

  return {
    accept(socket) {
      socket.once("close", () => pending.delete(socket));
      server.emit("connection", socket);
      socket.resume();
    },
    drain() {
      draining = true;
      for (const { newest } of pending.values()) closeAfter(newest);
      server.closeIdleConnections();
    },
    stop: () => void server.close(),
  };
}

/** A response can be complete before its request, which is still on its way then. */
function discardRest(this: ServerResponse): void {
  if (!this.req.complete) discardBody(this.req, this);
}

/**
 * What is wrong with an HTTP/1 request: it lacks the Host that HTTP/1.1 demands, or its body has an end that another server
 * on the way may see elsewhere. With HTTP/1.0, or without `chunked` at its end, Transfer-Encoding is faulty, and no other
 * coding is implemented (RFC 9112, 3.2, 6.1 and 6.3).
 */
function faultOf({ headers, httpVersion }: IncomingMessage): HttpError | undefined {
  const { host, "transfer-encoding": coding } = headers;
  const isOld = httpVersion === "1.0";
  if (host === undefined && !isOld) return httpError(400, "a request of HTTP/1.1 must have the header Host");
  if (coding === undefined || (!isOld && coding.toLowerCase() === "chunked")) return undefined;
  return httpError(isOld || !/\bchunked$/i.test(coding) ? 400 : 501);
}

function openServer(handle: RequestHandler, limits: ProtocolLimits, pending: ReadonlyMap<Socket, Pending>): Server {
  const checkingIntervalMs = Math.min(5_000, limits.headersTimeoutMs);
  const server = createServer(
    {
      // Node insists that headers take no longer than the whole.
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.bodyTimeoutMs),
      requestTimeout: limits.bodyTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      // The timeouts are enforced this often. Node's default of 30 seconds would stretch them.
      connectionsCheckingInterval: checkingIntervalMs,
      // Node's own refusal has no problem details.
      requireHostHeader: false,
    },
    handle,
  );
  // A connection idles, or its client takes nothing of a response. Silence while a call is at work is no fault. Silence
  // within a request is answered by the timeouts above, which this must not forestall.
  server.setTimeout(limits.bodyTimeoutMs + 3 * checkingIntervalMs, (socket) => {
    if (!pending.has(socket) || socket.writableLength > 0) socket.destroy();
  });
  server.on("clientError", (error, stream) => {
    const socket = stream as Socket;
    // More bytes behind those already answered.
    if (socket.writableEnded) return;
    // A response that has begun would take this one for its own continuation.
    if (!socket.writable || pending.get(socket)?.newest.headersSent) socket.destroy();
    else refuseBytes(error, socket);
  });
  // A server enforces its timeouts and keeps its list of connections only from this event on.
  server.emit("listening");
  return server;
}

/** The HTTP/1.1 side of a listener: a server that never listens and is handed its connections. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { answerFault, refuseFaulty } from "./http1-faults.ts";
import type { ProtocolLimits, ProtocolServer, RequestHandler } from "./listen.ts";
import { refuseExpectation } from "./unhandled.ts";

/** What a connection waits for: with pipelining, several answers. */
interface Pending {
  /** The answer to the newest request, before which the older ones have to come. */
  readonly newest: ServerResponse;
  readonly calls: number;
}

/** Makes a server for HTTP/1.1 connections that someone else accepts. */
export function createHttp1(handler: RequestHandler, limits: ProtocolLimits): ProtocolServer {
  const pending = new Map<Socket, Pending>();
  let draining = false;
  const checkingIntervalMs = Math.min(5_000, limits.headersTimeoutMs);

  const receive = (handle: RequestHandler) => (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const before = pending.get(socket);
    const calls = (before?.calls ?? 0) + 1;
    // Few clients pipeline at all, and HTTP/1 has no way to tell them how much they may.
    if (calls > limits.maxConcurrentStreams) {
      socket.destroy();
      return;
    }
    pending.set(socket, { newest: response, calls });
    const forget = () => {
      const now = pending.get(socket);
      if (now === undefined || now.calls === 1) pending.delete(socket);
      else pending.set(socket, { ...now, calls: now.calls - 1 });
    };
    // An answer can come before the whole request, which then has all the answer it will have.
    response.once("close", () => (request.complete ? forget() : request.once("close", forget)));
    if (draining) {
      if (before?.newest.headersSent === false) before.newest.removeHeader("connection");
      closeAfter(response);
    }
    if (!refuseFaulty(request, response)) handle(request, response);
  };
  const server = createServer(
    {
      // Node insists that headers take no longer than the whole.
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.bodyTimeoutMs),
      requestTimeout: limits.bodyTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      // The timeouts are enforced this often; Node's default of 30 seconds would stretch them.
      connectionsCheckingInterval: checkingIntervalMs,
      // Node's own refusal has no problem in it.
      requireHostHeader: false,
    },
    receive(handler),
  );
  server.on("checkExpectation", receive(refuseExpectation));
  // A connection idles, or its client takes nothing of an answer. Silence while a call is at work is no fault; silence
  // within a request is answered by the timeouts above, which this must not forestall.
  server.setTimeout(limits.bodyTimeoutMs + 3 * checkingIntervalMs, (socket) => {
    if (!pending.has(socket) || socket.writableLength > 0) socket.destroy();
  });
  server.on("clientError", (error, stream) => {
    const socket = stream as Socket;
    // More bytes behind those already answered.
    if (socket.writableEnded) return;
    // An answer that has begun would take this one for its own continuation.
    if (!socket.writable || pending.get(socket)?.newest.headersSent) socket.destroy();
    else answerFault(error, socket);
  });
  // A server enforces its timeouts and knows its connections only once it hears that it listens.
  server.emit("listening");

  let sweeping = false;
  /** Once for all responses that close in the same turn: it looks at every connection. */
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
    // It may be too late for the header, or an error's answer may lack it.
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
    stop() {
      server.close();
    },
  };
}

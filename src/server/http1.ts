/** The HTTP/1.1 side of a listener: a server that never listens and is handed its connections. */
import { createServer, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ListenerLimits, ProtocolServer, RequestHandler } from "./listen.ts";

/** Makes a server for HTTP/1.1 connections that someone else accepts. */
export function createHttp1(handler: RequestHandler, limits: ListenerLimits): ProtocolServer {
  /** The response to each connection's newest request: with pipelining the older ones still have to come before it. */
  const newest = new Map<Socket, ServerResponse>();
  let draining = false;

  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      // The timeouts are enforced this often; Node's default of 30 seconds would stretch them.
      connectionsCheckingInterval: Math.min(5_000, limits.headersTimeoutMs),
    },
    (request, response) => {
      const { socket } = request;
      const before = newest.get(socket);
      newest.set(socket, response);
      response.once("close", () => {
        if (newest.get(socket) === response) newest.delete(socket);
      });
      if (draining) {
        if (before?.headersSent === false) before.removeHeader("connection");
        closeAfter(response);
      }
      handler(request, response);
    },
  );
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
      socket.once("close", () => newest.delete(socket));
      server.emit("connection", socket);
      socket.resume();
    },
    drain() {
      draining = true;
      for (const response of newest.values()) closeAfter(response);
      server.closeIdleConnections();
    },
    stop() {
      server.close();
    },
  };
}

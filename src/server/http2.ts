/** The HTTP/2 cleartext side of a listener: a server that never listens and is handed its connections. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { ListenerLimits, ProtocolServer, RequestHandler } from "./listen.ts";

/** Makes a server for HTTP/2 connections that someone else accepts. */
export function createHttp2(handler: RequestHandler, limits: ListenerLimits): ProtocolServer {
  /** Every connection with the number of its streams. */
  const sessions = new Map<ServerHttp2Session, number>();
  let draining = false;

  const server = createServer(
    {
      settings: { maxConcurrentStreams: limits.maxConcurrentStreams, maxHeaderListSize: limits.maxHeaderBytes },
    },
    (request, response) => {
      // Node's timeouts for incomplete requests are for HTTP/1 only. Here a body may be a long stream, so that its
      // silence is what counts.
      request.stream.setTimeout(limits.requestTimeoutMs, () => {
        if (!request.complete) request.stream.close(constants.NGHTTP2_CANCEL);
      });
      // An answer can come before the request is complete. Clients take a reset for a failure even then, so they get
      // time to end it; what they still send is dropped.
      request.stream.once("finish", () => {
        if (!request.complete) closeEventually(request.stream, limits.lingerTimeoutMs);
      });
      // The HTTP/2 objects imitate those of HTTP/1 so that one handler can serve both.
      handler(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    },
  );

  server.on("session", (session) => {
    sessions.set(session, 0);
    session.once("close", () => sessions.delete(session));
    session.on("stream", (stream) => {
      sessions.set(session, (sessions.get(session) ?? 0) + 1);
      stream.once("close", () => {
        const streams = sessions.get(session);
        if (streams !== undefined) sessions.set(session, streams - 1);
      });
    });
    session.setTimeout(limits.idleSessionTimeoutMs);
    // Not as setTimeout's callback, which is called once at most.
    session.on("timeout", () => {
      if (sessions.get(session) === 0) session.close();
    });
    if (draining) session.close();
  });

  return {
    accept(socket) {
      // Without resume(): the session reads by itself, and a socket that flows would take its first bytes away.
      server.emit("connection", socket);
    },
    drain() {
      draining = true;
      // Sends GOAWAY; the streams the client has begun may finish.
      for (const session of sessions.keys()) session.close();
    },
    stop() {},
  };
}

function closeEventually(stream: ServerHttp2Stream, lingerTimeoutMs: number): void {
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), lingerTimeoutMs);
  stream.once("close", () => clearTimeout(timer));
}

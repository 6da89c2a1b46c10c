/** The HTTP/2 cleartext side of a listener: a server that never listens and is handed its connections. */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { ProtocolLimits, ProtocolServer, RequestHandler } from "./listen.ts";

/** When a connection is ended for frames that are cheap to send and dear to receive. */
const floodLimits = ({ maxConcurrentStreams }: ProtocolLimits) => ({
  // Streams begun and reset at once ("rapid reset"): so many, and so many more a second. A client may give up all it has
  // under way and begin anew; through a proxy, the crowd of a rush hangs up.
  streamResetBurst: 2 * maxConcurrentStreams,
  streamResetRate: 100,
  // What breaks the protocol without ending the connection, such as a reset provoked from our side. Honest clients send
  // none.
  maxSessionInvalidFrames: 100,
});

/** Makes a server for HTTP/2 connections that someone else accepts. */
export function createHttp2(handler: RequestHandler, limits: ProtocolLimits): ProtocolServer {
  const sessions = new Set<ServerHttp2Session>();
  let draining = false;

  const server = createServer(
    {
      settings: { maxConcurrentStreams: limits.maxConcurrentStreams, maxHeaderListSize: limits.maxHeaderBytes },
      ...floodLimits(limits),
    },
    (request, response) => {
      // In a turn of its own: the requests of one packet, begun together, would take every step side by side, and keep all
      // that they need for it until the last one is through.
      setImmediate(() => {
        // Reset meanwhile: nobody waits for it any more.
        if (request.stream.destroyed || request.stream.aborted) return;
        limitTimes(request, response, limits);
        // The HTTP/2 objects imitate those of HTTP/1 so that one handler can serve both.
        handler(request as unknown as IncomingMessage, response as unknown as ServerResponse);
      });
    },
  );

  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    closeWhenIdle(session, limits);
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
      for (const session of sessions) session.close();
    },
    stop() {},
  };
}

/**
 * Ends a connection that has had no stream for the idle time, whatever else it sends: neither pings nor headers that
 * never end keep it open.
 */
function closeWhenIdle(session: ServerHttp2Session, limits: ProtocolLimits): void {
  const { idleTimeoutMs, lingerTimeoutMs, headersTimeoutMs } = limits;
  let streams = 0;
  const timer = setTimeout(() => {
    if (streams > 0) return;
    session.close();
    // Nothing but headers that have begun can keep it from closing now.
    destroyEventually(session, Math.min(lingerTimeoutMs, headersTimeoutMs));
  }, idleTimeoutMs);
  session.once("close", () => clearTimeout(timer));
  session.on("stream", (stream) => {
    streams++;
    stream.once("close", () => {
      streams--;
      if (streams === 0 && !session.closed) timer.refresh();
    });
  });
}

/** Node's timeouts for incomplete requests are for HTTP/1 only; here are those of a stream. */
function limitTimes(request: Http2ServerRequest, response: Http2ServerResponse, limits: ProtocolLimits): void {
  const { stream } = request;
  const { bodyTimeoutMs, lingerTimeoutMs } = limits;
  const reset = () => {
    stream.close(constants.NGHTTP2_CANCEL);
    // The reset waits behind what the client does not take.
    if (stream.session !== undefined) destroyEventually(stream.session, lingerTimeoutMs, stream);
  };
  let unsentBytes = 0;
  let talks = false;
  const timer = setTimeout(() => {
    const isLate = !request.complete && !response.headersSent;
    // Not by the stream's own timeout, for which whatever the connection sends is progress.
    const isStuck = unsentBytes > 0 && stream.writableLength === unsentBytes;
    if (isLate || isStuck) return reset();
    unsentBytes = stream.writableLength;
    timer.refresh();
    // A call that streams both ways has been answered in part, and may go on for as long as it is not silent.
    if (request.complete || talks) return;
    talks = true;
    stream.setTimeout(bodyTimeoutMs, () => !request.complete && reset());
  }, bodyTimeoutMs);
  stream.once("close", () => clearTimeout(timer));
  // An answer can come before the request is complete. Clients take a reset for a failure even then, so they get
  // time to end it; what they still send is dropped.
  stream.once("finish", () => {
    if (!request.complete) closeEventually(stream, lingerTimeoutMs);
  });
}

function closeEventually(stream: ServerHttp2Stream, lingerTimeoutMs: number): void {
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), lingerTimeoutMs);
  stream.once("close", () => clearTimeout(timer));
}

/** Cuts a connection unless what should close, itself or one of its streams, does so in time. */
function destroyEventually(
  session: ServerHttp2Session | NonNullable<ServerHttp2Stream["session"]>,
  lingerTimeoutMs: number,
  closing: ServerHttp2Session | ServerHttp2Stream | NonNullable<ServerHttp2Stream["session"]> = session,
): void {
  const timer = setTimeout(() => session.destroy(), lingerTimeoutMs);
  closing.once("close", () => clearTimeout(timer));
}

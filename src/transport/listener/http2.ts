/** HTTP/2 connections without TLS: Node's server, with limits on its streams, and a drain. */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type BeginStream, hasArrived, limitConnection, nodeFloodLimits } from "./http2-limits.ts";
import { openingSettings } from "./http2-settings.ts";
import { type ProtocolLimits, type ProtocolServer, type RequestHandler, unlessClosed } from "./protocol-server.ts";
import { refuseExpectation } from "./refusals.ts";

/** Creates the server of HTTP/2. */
export function createHttp2(handler: RequestHandler, limits: ProtocolLimits): ProtocolServer {
  const settings = { maxHeaderListSize: limits.maxHeaderBytes };
  const opening = openingSettings({ maxConcurrentStreams: limits.maxConcurrentStreams }, settings);
  const connections = new Map<Http2Session | undefined, BeginStream>();
  let draining = false;

  const receive = (handle: RequestHandler) => (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { stream } = request;
    const begin = connections.get(stream.session);
    // In a later turn: the requests of one packet, begun together, would take every step side by side, and keep all that
    // they need for it until the last one is through.
    setImmediate(() => {
      // The client has reset it meanwhile.
      if (stream.destroyed || stream.aborted) return;
      begin?.(stream);
      limitTimes(request, response, limits);
      // The HTTP/2 objects imitate those of HTTP/1 so that one handler can serve both.
      handle(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    });
  };
  const server = createServer({ settings, ...nodeFloodLimits }, receive(handler));
  server.on("checkExpectation", receive(refuseExpectation));

  server.on("session", (session) => {
    connections.set(session, limitConnection(session, limits));
    session.once("close", () => connections.delete(session));
    if (draining) session.close();
  });

  return {
    accept(socket) {
      socket.write(opening);
      // Without resume(): the session reads by itself, and a socket that flows would consume its first bytes.
      server.emit("connection", socket);
    },
    drain() {
      draining = true;
      // Sends GOAWAY; the streams the client has begun may finish.
      for (const session of connections.keys()) session?.close();
    },
    stop() {},
  };
}

/** Node's timeouts for incomplete requests are for HTTP/1 only; here are those of a stream. */
function limitTimes(request: Http2ServerRequest, response: Http2ServerResponse, limits: ProtocolLimits): void {
  const { stream } = request;
  const { bodyTimeoutMs, lingerTimeoutMs } = limits;
  const reset = () => {
    stream.close(constants.NGHTTP2_CANCEL);
    // The reset waits behind what the client does not take.
    const { session } = stream;
    unlessClosed(stream, lingerTimeoutMs, () => session?.destroy());
  };
  let unsentBytes = 0;
  let talks = false;
  // A long response is written in equal slices: one may be waiting in the place of another.
  const onDrain = () => {
    unsentBytes = 0;
  };
  const timer = setTimeout(() => {
    const isLate = !request.complete && !response.headersSent;
    // Not the stream's own timeout: it counts everything that the connection sends as progress.
    const isStuck = unsentBytes > 0 && stream.writableLength === unsentBytes;
    if (isLate || isStuck) return reset();
    unsentBytes = stream.writableLength;
    if (unsentBytes > 0 && stream.listenerCount("drain", onDrain) === 0) stream.on("drain", onDrain);
    timer.refresh();
    // A call that streams both ways has been answered in part, and may go on for as long as it is not silent.
    if (request.complete || talks) return;
    talks = true;
    stream.setTimeout(bodyTimeoutMs, () => !request.complete && reset());
  }, bodyTimeoutMs);
  stream.once("close", () => clearTimeout(timer));
  // A response can be complete before the request is. gRPC clients wait then for the server to close the stream, which is
  // no failure to a client that has the whole response (RFC 9113, 8.1). Trailers are sent in the turn after this event.
  stream.on("wantTrailers", endAfterTrailers);
  // Responses without a body have no trailers.
  stream.once("finish", () => {
    if (!hasArrived(stream)) unlessClosed(stream, lingerTimeoutMs, () => endRequest(stream));
  });
}

function endAfterTrailers(this: ServerHttp2Stream): void {
  if (!hasArrived(this)) setImmediate(endRequest, this);
}

/** Closes a stream whose response is complete, and drops what is left of its request. */
function endRequest(stream: ServerHttp2Stream): void {
  if (hasArrived(stream)) return;
  stream.close(constants.NGHTTP2_NO_ERROR);
  stream.resume();
}

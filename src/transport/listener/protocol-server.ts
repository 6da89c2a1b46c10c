/** What a listener and the servers of its protocols have in common. */
import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Answers a request of either protocol: those of HTTP/2 are Node's imitations of HTTP/1's objects. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** The settings that the connections follow. */
export interface ListenerLimits {
  /** How long a new connection may be silent, and how long an HTTP/1 request's headers may take. */
  readonly headersTimeoutMs: number;
  /**
   * How long a whole request may take to arrive, and how long a client may take nothing of its response. Responses of HTTP/2
   * are looked at this often, so that nothing may be taken of one for up to twice as long.
   */
  readonly bodyTimeoutMs: number;
  /** How long a connection may idle between calls. */
  readonly idleTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** Calls at once on one connection: the streams of HTTP/2, the pipelined requests of HTTP/1. */
  readonly maxConcurrentStreams: number;
}

export interface ProtocolLimits extends ListenerLimits {
  /** How long a client may take to close a connection that the server has ended, or an answered HTTP/2 request. */
  readonly lingerTimeoutMs: number;
}

/** The server of one protocol. It never listens: the listener hands it connections. */
export interface ProtocolServer {
  /** Takes over a paused connection. */
  accept(socket: Socket): void;
  /** Closes idle connections now, and the others when what is in flight on them is answered. */
  drain(): void;
  /** Releases what is left once every connection is closed. */
  stop(): void;
}

/** Runs a function after a delay, unless a connection or a stream closes first. */
export function unlessClosed(closing: Pick<EventEmitter, "once">, delayMs: number, run: () => void): void {
  const timer = setTimeout(run, delayMs);
  closing.once("close", () => clearTimeout(timer));
}

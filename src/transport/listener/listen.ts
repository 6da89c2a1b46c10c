/** One TCP socket that speaks HTTP/1.1 and HTTP/2 cleartext with prior knowledge. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { ConnectionGate } from "./connection-limit.ts";
import { sniff } from "./detect-protocol.ts";
import { createHttp1 } from "./http1.ts";
import { createHttp2 } from "./http2.ts";

/** Answers a request of either protocol: those of HTTP/2 come as Node's imitations of HTTP/1's objects. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What an operator may set: the part of the configuration that the connections follow. */
export interface ListenerLimits {
  /** How long a new connection may be silent, and how long an HTTP/1 request's headers may take. */
  readonly headersTimeoutMs: number;
  /**
   * How long a whole request may take to arrive, and how long a client may take nothing of its answer. Answers of HTTP/2
   * are looked at this often, so that nothing may be taken of one for up to twice as long.
   */
  readonly bodyTimeoutMs: number;
  /** How long a connection may idle between calls. */
  readonly idleTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** Calls at once on one connection: the streams of HTTP/2, the pipelined requests of HTTP/1. */
  readonly maxConcurrentStreams: number;
}

/** What a protocol's server follows. */
export interface ProtocolLimits extends ListenerLimits {
  /** How long a client may take to close a connection that the server has ended, or an answered HTTP/2 request. */
  readonly lingerTimeoutMs: number;
}

const defaultLingerTimeoutMs = 5_000;

/** A vanished client is asked for a sign of life after this silence: a call of its own may wait for ever otherwise. */
const keepAliveInitialDelayMs = 60_000;

/** What a listener does with the connections of one protocol. */
export interface ProtocolServer {
  /** Takes over a paused connection. */
  accept(socket: Socket): void;
  /** Closes idle connections now and the others when what is in flight on them is answered. */
  drain(): void;
  /** Releases what is left once every connection is gone. */
  stop(): void;
}

export interface Listener {
  readonly port: number;
  /** Accepts no more and lets what is in flight finish. Resolves when all connections are gone. */
  close(): Promise<void>;
  /** Cuts the connections that are left, and accepts no more either. */
  destroy(): void;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly handler: RequestHandler;
  readonly limits: ListenerLimits;
  /** Lets connections in. Listeners may share one. */
  readonly gate: ConnectionGate;
  readonly lingerTimeoutMs?: number;
  /** Told when a connection could not be accepted, for instance for want of file descriptors. */
  readonly onAcceptError?: (error: Error) => void;
}

/** Listens. Rejects with the system's own error, such as EADDRINUSE. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { lingerTimeoutMs = defaultLingerTimeoutMs, gate } = options;
  const limits: ProtocolLimits = { ...options.limits, lingerTimeoutMs };
  const protocols = { http1: createHttp1(options.handler, limits), http2: createHttp2(options.handler, limits) };
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();

  // Not half-open: a client that ends its side has hung up, and HTTP/2 streams would not hear of it.
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: keepAliveInitialDelayMs };
  const server = createServer({ noDelay: true, ...keepAlive }, (socket) => {
    const leave = gate.enter(socket.remoteAddress ?? "");
    if (leave === undefined) {
      // A reset leaves nothing behind, unlike an orderly end, whose other half the system would wait for.
      socket.resetAndDestroy();
      return;
    }
    sockets.add(socket);
    undecided.add(socket);
    // A reset is no news: "close" follows it. Without a listener it would end the process.
    socket.on("error", () => {});
    socket.once("close", () => {
      sockets.delete(socket);
      undecided.delete(socket);
      leave();
    });
    socket.once("finish", () => closeEventually(socket, lingerTimeoutMs));
    sniff(socket, limits.headersTimeoutMs, (protocol) => {
      undecided.delete(socket);
      protocols[protocol].accept(socket);
    });
  });

  try {
    await bind(server, options.host, options.port);
  } catch (error) {
    protocols.http1.stop();
    protocols.http2.stop();
    throw error;
  }
  server.on("error", (error) => options.onAcceptError?.(error));

  async function drain(): Promise<void> {
    const gone = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of undecided) socket.destroy();
    protocols.http1.drain();
    protocols.http2.drain();
    await gone;
    protocols.http1.stop();
    protocols.http2.stop();
  }

  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= drain();
    return closed;
  };
  return {
    port: (server.address() as AddressInfo).port,
    close,
    destroy() {
      void close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Destroys a connection that we have ended if the other side does not end it as well. */
function closeEventually(socket: Socket, lingerTimeoutMs: number): void {
  const timer = setTimeout(() => socket.destroy(), lingerTimeoutMs);
  socket.once("close", () => clearTimeout(timer));
}

/** One TCP socket that speaks HTTP/1.1 and HTTP/2 cleartext with prior knowledge. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createHttp1 } from "./http1.ts";
import { createHttp2 } from "./http2.ts";
import { sniff } from "./sniff.ts";

/** Answers a request of either protocol: those of HTTP/2 come as Node's imitations of HTTP/1's objects. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface ListenerLimits {
  /** How long a new connection may keep silent about its protocol. */
  readonly sniffTimeoutMs: number;
  /** How long an HTTP/1 request's headers may take. */
  readonly headersTimeoutMs: number;
  /** How long a whole HTTP/1 request may take to arrive; how long an unfinished HTTP/2 request may be silent. */
  readonly requestTimeoutMs: number;
  /** How long an HTTP/1 connection may idle between requests. Above the 60 seconds that balancers commonly idle for. */
  readonly keepAliveTimeoutMs: number;
  /** How long an HTTP/2 connection without streams may be silent. */
  readonly idleSessionTimeoutMs: number;
  /** How long a client may take to close a connection that the server has ended, or an answered HTTP/2 request. */
  readonly lingerTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** Calls at once on one HTTP/2 connection. */
  readonly maxConcurrentStreams: number;
  /** Connections at once; more are refused. */
  readonly maxConnections: number;
}

const defaultLimits: ListenerLimits = {
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 75_000,
  idleSessionTimeoutMs: 300_000,
  lingerTimeoutMs: 5_000,
  maxHeaderBytes: 16 * 1024,
  maxConcurrentStreams: 1_000,
  maxConnections: 10_000,
};

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
  readonly limits?: Partial<ListenerLimits>;
  /** Told when a connection could not be accepted, for instance for want of file descriptors. */
  readonly onAcceptError?: (error: Error) => void;
}

/** Listens. Rejects with the system's own error, such as EADDRINUSE. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const limits = { ...defaultLimits, ...options.limits };
  const protocols = { http1: createHttp1(options.handler, limits), http2: createHttp2(options.handler, limits) };
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();

  // Not half-open: a client that ends its side has hung up, and HTTP/2 streams would not hear of it.
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    sockets.add(socket);
    undecided.add(socket);
    // A reset is no news: "close" follows it. Without a listener it would end the process.
    socket.on("error", () => {});
    socket.once("close", () => {
      sockets.delete(socket);
      undecided.delete(socket);
    });
    socket.once("finish", () => closeEventually(socket, limits.lingerTimeoutMs));
    sniff(socket, limits.sniffTimeoutMs, (protocol) => {
      undecided.delete(socket);
      protocols[protocol].accept(socket);
    });
  });
  server.maxConnections = limits.maxConnections;

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

/**
 * One TCP socket for HTTP/1.1 and HTTP/2 cleartext with prior knowledge. This folder owns the connections: how many
 * there are, how long they take, and how they drain. It hands requests to one handler.
 */
import {
  type AddressInfo,
  createServer,
  type ListenOptions as NetListenOptions,
  type Server,
  type Socket,
} from "node:net";
import { settlesWithin } from "../../domain/clock.ts";
import type { Publish } from "../../domain/publish.ts";
import type { TransportEvents } from "../events.ts";
import type { ConnectionLimit, Entry } from "./connection-limit.ts";
import { detectProtocol } from "./detect-protocol.ts";
import { createHttp1 } from "./http1.ts";
import { createHttp2 } from "./http2.ts";
import { type ListenerLimits, type ProtocolLimits, type RequestHandler, unlessClosed } from "./protocol-server.ts";

const defaultLingerTimeoutMs = 5_000;

/** After this silence TCP probes the client. The call of a client that has vanished could wait for ever otherwise. */
const keepAliveInitialDelayMs = 60_000;

export interface Listener {
  readonly port: number;
  /** Accepts no more and lets what is in flight finish. Resolves when all connections are closed. */
  close(): Promise<void>;
  /** Cuts the connections that are left, and accepts no more either. */
  destroy(): void;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Whether processes that all say so may listen on the same port. The system spreads connections among them. */
  readonly sharesPort?: boolean;
  readonly handler: RequestHandler;
  readonly limits: ListenerLimits;
  /** Listeners may share one. */
  readonly connectionLimit: ConnectionLimit;
  readonly lingerTimeoutMs?: number;
  readonly publish: Publish<TransportEvents>;
}

/** Listens. Rejects with the system's own error, such as EADDRINUSE. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { lingerTimeoutMs = defaultLingerTimeoutMs, connectionLimit, publish } = options;
  const limits: ProtocolLimits = { ...options.limits, lingerTimeoutMs };
  const protocols = { http1: createHttp1(options.handler, limits), http2: createHttp2(options.handler, limits) };
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();

  // Not half-open: a client that ends its side has hung up, which HTTP/2 streams would not notice.
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: keepAliveInitialDelayMs };
  const server = createServer({ noDelay: true, ...keepAlive }, (socket) => {
    keepWhileOpen(socket, [sockets, undecided]);
    const entry = connectionLimit.enter(socket.remoteAddress ?? "");
    if (entry instanceof Promise) void entry.then((leave) => admit(socket, leave));
    else admit(socket, entry);
  });

  function admit(socket: Socket, leave: Entry): void {
    if (leave === undefined) {
      publish("transport.connection_changed", { change: "refused" });
      // A reset leaves nothing behind, unlike an orderly end, whose other half the system would wait for.
      socket.resetAndDestroy();
      return;
    }
    if (socket.destroyed) {
      leave();
      return;
    }
    publish("transport.connection_changed", { change: "opened" });
    socket.once("close", () => {
      leave();
      publish("transport.connection_changed", { change: "closed" });
    });
    // The other side has to end the connection as well.
    socket.once("finish", () => unlessClosed(socket, lingerTimeoutMs, () => socket.destroy()));
    detectProtocol(socket, limits.headersTimeoutMs, (protocol) => {
      undecided.delete(socket);
      protocols[protocol].accept(socket);
    });
  }

  try {
    const { host, port, sharesPort = false } = options;
    await listenOn(server, { host, port, reusePort: sharesPort });
  } catch (error) {
    protocols.http1.stop();
    protocols.http2.stop();
    throw error;
  }
  server.on("error", (error) => publish("transport.accept_failed", { error }));

  async function closeAll(): Promise<void> {
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
    closed ??= closeAll();
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

function keepWhileOpen(socket: Socket, sets: readonly Set<Socket>[]): void {
  for (const set of sets) set.add(socket);
  // "close" follows. Without a listener the error would end the process.
  socket.on("error", () => {});
  socket.once("close", () => {
    for (const set of sets) set.delete(socket);
  });
}

/** Listens. Rejects with the system's own error. */
export function listenOn(server: Server, where: NetListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** How long the responses of aborted calls may take to reach their clients. */
const flushMs = 2_000;

/**
 * Closes listeners: accepts no more connections, and lets calls in flight finish within the grace period. Then calls
 * `abortCalls`, which answers the calls that are left, and cuts the connections that are still open after a while.
 */
export async function drain(listeners: readonly Listener[], graceMs: number, abortCalls: () => void): Promise<void> {
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  if (await settlesWithin(closed, graceMs)) return;
  abortCalls();
  if (!(await settlesWithin(closed, flushMs))) for (const listener of listeners) listener.destroy();
  await closed;
}

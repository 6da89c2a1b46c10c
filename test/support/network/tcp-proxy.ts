/** A TCP proxy on loopback. What happens to the bytes of a connection is decided by the test's function. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpProxy {
  readonly port: number;
  /** New connections go to the server of this URL. */
  moveTo(url: string): void;
  /** Cuts every connection by a reset. */
  cut(): void;
  close(): Promise<void>;
}

interface TcpProxyOptions {
  /** Joins the two sides of a connection. By default each side receives what the other one sends. */
  readonly join?: (client: Socket, upstream: Socket) => void;
  /** Whether a new connection is accepted. It is reset if not. */
  readonly accepts?: () => boolean;
  /** Where it listens: by default on a free port of 127.0.0.1. */
  readonly listen?: { readonly host: string; readonly port: number };
}

const anywhere = { host: "127.0.0.1", port: 0 };

/** Starts a proxy before the server that a URL names. */
export async function startTcpProxy(
  url: string,
  { join = pipe, accepts, listen = anywhere }: TcpProxyOptions = {},
): Promise<TcpProxy> {
  let target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    client.on("error", () => {});
    // The server keeps listening while it refuses: a different process might take its port.
    if (accepts && !accepts()) return void client.resetAndDestroy();
    const port = Number(target.port || 5432);
    const upstream = connect({ host: target.hostname, port, noDelay: true });
    upstream.on("error", () => {});
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
    join(client, upstream);
  });
  server.listen(listen);
  await once(server, "listening");
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    moveTo(url) {
      target = new URL(url);
    },
    cut,
    async close() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

/** Passes on what each side sends, the end included. */
export function pipe(client: Socket, upstream: Socket): void {
  client.on("error", () => upstream.destroy());
  upstream.on("error", () => client.destroy());
  client.pipe(upstream).pipe(client);
}

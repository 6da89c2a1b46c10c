/** A TCP relay before a server, to see the connections that a client has open. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Relay {
  readonly baseUrl: string;
  /** Connections that the client has opened so far, and those that the server has closed. */
  readonly opened: number;
  readonly closedByServer: number;
  close(): Promise<void>;
}

/** Starts a relay before the server at a URL such as `http://127.0.0.1:8080`. */
export async function startRelay(baseUrl: string): Promise<Relay> {
  const { hostname: host, port } = new URL(baseUrl);
  const sockets = new Set<Socket>();
  let opened = 0;
  let closedByServer = 0;
  const server = createServer((client) => {
    opened++;
    const upstream = connect({ host, port: Number(port) });
    upstream.once("end", () => closedByServer++);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get opened() {
      return opened;
    },
    get closedByServer() {
      return closedByServer;
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** A network link that can be cut, after which neither side receives a byte or an end from the other. */
import type { Socket } from "node:net";
import { startTcpProxy } from "../../support/network/tcp-proxy.ts";

export interface Link extends AsyncDisposable {
  /** Holds what is sent from now on, and connections that are opened. */
  cut(): void;
  /** Delivers what has been held. */
  mend(): void;
}

/** Leads connections to one address of the loopback network on to another. */
export async function startLink(host: string, target: string, port: number): Promise<Link> {
  const pairs = new Set<readonly [client: Socket, upstream: Socket]>();
  let isCut = false;
  const proxy = await startTcpProxy(`tcp://${target}:${port}`, {
    listen: { host, port },
    join(client, upstream) {
      const pair = [client, upstream] as const;
      pairs.add(pair);
      for (const socket of pair) socket.on("close", () => isCut || end(pair));
      if (!isCut) client.pipe(upstream).pipe(client);
    },
  });
  function end(pair: readonly [Socket, Socket]): void {
    pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }
  return {
    cut() {
      isCut = true;
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream);
        upstream.unpipe(client);
      }
    },
    mend() {
      isCut = false;
      for (const pair of pairs) {
        const [client, upstream] = pair;
        if (client.destroyed || upstream.destroyed) end(pair);
        else client.pipe(upstream).pipe(client);
      }
    },
    [Symbol.asyncDispose]: () => proxy.close(),
  };
}

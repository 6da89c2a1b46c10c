/** How workers share the ports. */
import { type AddressInfo, createServer, type ListenOptions, type Server } from "node:net";
import type { Config } from "../config/load.ts";
import { portError } from "../port-error.ts";
import { listenOn } from "../transport/listener/listen.ts";

/**
 * Whether each worker listens by itself, and the system spreads connections among them. Elsewhere `node:cluster` accepts
 * connections in the primary: a new one takes a round trip between the processes, and is lost without an error if its worker
 * dies meanwhile.
 */
export const workersListen = process.platform === "linux";

/**
 * Rejects with a PortError if a port is in use: sockets that share a port would join another service's. Where workers listen,
 * the port is free until the first one does, and while all are being replaced. So `stack` keeps a name for each port, which
 * the system frees at the end of the process. Port 0 needs none, because the system chooses a port that no socket has.
 */
export async function claimPorts(
  { host, restPort, grpcPort }: Pick<Config, "host" | "restPort" | "grpcPort">,
  stack: AsyncDisposableStack,
): Promise<void> {
  await using checks = new AsyncDisposableStack();
  // Both at a time, since they must not be the same.
  for (const [port, setting] of [
    [restPort, "APP_REST_PORT"],
    [grpcPort, "APP_GRPC_PORT"],
  ] as const) {
    const claim = (where: ListenOptions) =>
      openServer(where).catch((error) => {
        throw portError(error, port, setting);
      });
    const check = checks.use(await claim({ host, port, exclusive: true }));
    const { address } = check.address() as AddressInfo;
    // In Linux's abstract namespace, which belongs to the network namespace, as ports do.
    if (workersListen && port !== 0) stack.use(await claim({ path: `\0frontrow ${address} ${port}` }));
  }
}

/** Listens, and serves nothing. */
async function openServer(where: ListenOptions): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await listenOn(server, where);
  // A client may come, and accepting it may fail.
  server.on("error", () => {});
  return server;
}

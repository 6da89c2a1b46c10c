/** How workers share the ports. */
import { createServer } from "node:net";
import type { Config } from "../config/load.ts";
import { portError } from "../port-error.ts";
import { listenOn } from "../transport/listener/listen.ts";

/**
 * Whether each worker listens by itself, and the system spreads connections among them. Elsewhere `node:cluster` accepts
 * connections in the primary: a new one takes a round trip between the processes, and is lost without an error if its worker
 * dies meanwhile.
 */
export const workersListen = process.platform === "linux";

/** Rejects with a PortError if a port is in use. Sockets that share a port would join another service's. */
export async function checkPorts({ host, restPort, grpcPort }: Pick<Config, "host" | "restPort" | "grpcPort">) {
  await using open = new AsyncDisposableStack();
  // Both at a time, since they must not be the same.
  for (const [port, setting] of [
    [restPort, "APP_REST_PORT"],
    [grpcPort, "APP_GRPC_PORT"],
  ] as const) {
    const server = createServer((socket) => socket.destroy());
    await listenOn(server, { host, port, exclusive: true }).catch((error) => {
      throw portError(error, port, setting);
    });
    open.use(server);
  }
}

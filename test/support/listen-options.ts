/** How a test listens: on loopback, on a port of its own, with the limits of the service unless it sets others. */
import { loadConfig } from "../../src/config/load.ts";
import { ignoreEvents } from "../../src/domain/publish.ts";
import { createConnectionLimit } from "../../src/transport/listener/connection-limit.ts";
import type { ListenOptions } from "../../src/transport/listener/listen.ts";
import type { ListenerLimits } from "../../src/transport/listener/protocol-server.ts";

export interface TestLimits extends Partial<ListenerLimits> {
  readonly lingerTimeoutMs?: number;
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  readonly trustedProxies?: readonly string[];
}

const { config } = loadConfig({ argv: [], env: {}, readFile: () => undefined, projectRoot: "/" });

/** All that `listen` needs but a handler. */
export function listenOptions(limits: TestLimits = {}): Omit<ListenOptions, "handler"> {
  const all = { ...config, ...limits };
  const { lingerTimeoutMs } = limits;
  return {
    host: "127.0.0.1",
    port: 0,
    limits: all,
    connectionLimit: createConnectionLimit({ ...all, publish: ignoreEvents }),
    publish: ignoreEvents,
    ...(lingerTimeoutMs === undefined ? {} : { lingerTimeoutMs }),
  };
}

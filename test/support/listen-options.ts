/** How a test listens: on loopback, on a port of its own, with the limits of the service unless it sets others. */
import { loadConfig } from "../../src/config/load.ts";
import { createConnectionGate } from "../../src/transport/listener/connection-limit.ts";
import type { ListenerLimits, ListenOptions } from "../../src/transport/listener/listen.ts";

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
    gate: createConnectionGate(all),
    ...(lingerTimeoutMs === undefined ? {} : { lingerTimeoutMs }),
  };
}

/** Decides which connections are let in: so many in all, and so many an address. */
import { addressGroup, createAddressMatcher } from "../../domain/address.ts";

export interface ConnectionGateOptions {
  /** Connections at once. */
  readonly maxConnections: number;
  /** Connections at once from one address; one of IPv6 stands for its /64. */
  readonly maxConnectionsPerAddress: number;
  /** Addresses and networks that speak for many clients, and so have no limit of their own. */
  readonly trustedProxies: readonly string[];
  /** Told of refusals, at most once a minute: who floods the door must not flood the log as well. */
  readonly onRefused?: (refused: RefusedConnections) => void;
}

export interface RefusedConnections {
  /** How many since it was last told. */
  readonly count: number;
  /** Which limit the newest one met. */
  readonly limit: "maxConnections" | "maxConnectionsPerAddress";
  /** The newest one's address, as it is counted. */
  readonly address: string;
}

export interface ConnectionGate {
  /** Lets a connection in, and gives what to call when it is gone; or undefined if it is one too many. */
  enter(address: string): (() => void) | undefined;
}

const reportIntervalMs = 60_000;

/** Makes a gate, which several listeners may share. */
export function createConnectionGate(options: ConnectionGateOptions): ConnectionGate {
  const isTrustedProxy = createAddressMatcher(options.trustedProxies);
  const inside = new Map<string, number>();
  let total = 0;
  let refused = 0;
  let lastReportMs = Number.NEGATIVE_INFINITY;

  function refuse(limit: RefusedConnections["limit"], address: string): void {
    refused++;
    if (performance.now() - lastReportMs < reportIntervalMs) return;
    lastReportMs = performance.now();
    options.onRefused?.({ count: refused, limit, address });
    refused = 0;
  }

  return {
    enter(address) {
      const group = addressGroup(address);
      const count = inside.get(group) ?? 0;
      if (total >= options.maxConnections) return void refuse("maxConnections", group);
      if (count >= options.maxConnectionsPerAddress && !isTrustedProxy(address)) {
        return void refuse("maxConnectionsPerAddress", group);
      }
      total++;
      inside.set(group, count + 1);
      return () => {
        total--;
        const left = (inside.get(group) ?? 1) - 1;
        if (left === 0) inside.delete(group);
        else inside.set(group, left);
      };
    },
  };
}

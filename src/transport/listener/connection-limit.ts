/** Limits the connections at once, in all and from each address. */
import { addressGroup, createAddressMatcher } from "../../domain/address.ts";
import type { Publish } from "../../domain/publish.ts";
import type { RefusedConnections, TransportEvents } from "../events.ts";

interface ConnectionLimitOptions {
  /** Connections at once. */
  readonly maxConnections: number;
  /** Connections at once from one address; one of IPv6 counts as its /64. */
  readonly maxConnectionsPerAddress: number;
  /** Addresses and networks that forward requests of many clients, and so have no limit for each address. */
  readonly trustedProxies: readonly string[];
  readonly publish: Publish<TransportEvents>;
}

/** The function to call when a connection has closed, or undefined if it is over a limit. */
export type Entry = (() => void) | undefined;

export interface ConnectionLimit {
  /** Counts a connection. A limit that several processes share answers later. */
  enter(address: string): Entry | Promise<Entry>;
}

/** A flood of connections must not flood the log as well. */
const publishIntervalMs = 60_000;

/** Creates a limit, which several listeners may share. */
export function createConnectionLimit(options: ConnectionLimitOptions) {
  const isTrustedProxy = createAddressMatcher(options.trustedProxies);
  const inside = new Map<string, number>();
  let total = 0;
  let refused = 0;
  let lastPublishedMs = Number.NEGATIVE_INFINITY;

  function refuse(limit: RefusedConnections["limit"], address: string): void {
    refused++;
    if (performance.now() - lastPublishedMs < publishIntervalMs) return;
    lastPublishedMs = performance.now();
    options.publish("transport.connections_refused", { count: refused, limit, address });
    refused = 0;
  }

  return {
    enter(address: string): Entry {
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

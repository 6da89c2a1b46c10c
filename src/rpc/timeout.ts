/** How long a client is ready to wait, as its protocol says it. */

const millisecondsPerUnit: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * The timeout in `grpc-timeout` (gRPC, gRPC-Web) or `connect-timeout-ms` (Connect, and REST here), in milliseconds;
 * Infinity if there is none. One that is malformed counts as none: gRPC and Connect refuse it themselves.
 */
export function clientTimeoutMs(header: Headers): number {
  const grpc = header.get("grpc-timeout");
  if (grpc !== null) {
    const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(grpc) ?? [];
    return amount === undefined ? Number.POSITIVE_INFINITY : Number(amount) * (millisecondsPerUnit[unit] ?? 0);
  }
  const connect = /^\d{1,10}$/.exec(header.get("connect-timeout-ms") ?? "");
  return connect ? Number(connect[0]) : Number.POSITIVE_INFINITY;
}

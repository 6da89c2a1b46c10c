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
  const timeoutMs = header.has("grpc-timeout") ? grpcTimeoutMs(header) : connectTimeoutMs(header);
  return timeoutMs ?? Number.POSITIVE_INFINITY;
}

/** The timeout in `grpc-timeout`; undefined if it is malformed or not there. */
export function grpcTimeoutMs(header: Headers): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(header.get("grpc-timeout") ?? "") ?? [];
  return amount === undefined ? undefined : Number(amount) * (millisecondsPerUnit[unit] ?? 0);
}

/** The timeout in `connect-timeout-ms`; undefined if it is malformed or not there. */
export function connectTimeoutMs(header: Headers): number | undefined {
  const [amount] = /^\d{1,10}$/.exec(header.get("connect-timeout-ms") ?? "") ?? [];
  return amount === undefined ? undefined : Number(amount);
}

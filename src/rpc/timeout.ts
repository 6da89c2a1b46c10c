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
  const ofGrpc = header.get("grpc-timeout");
  const timeoutMs = ofGrpc === null ? connectTimeoutMs(header.get("connect-timeout-ms") ?? "") : grpcTimeoutMs(ofGrpc);
  return timeoutMs ?? Number.POSITIVE_INFINITY;
}

/** The timeout that `grpc-timeout` says; undefined if it is malformed. */
export function grpcTimeoutMs(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (millisecondsPerUnit[unit] ?? 0);
}

/** The timeout that `connect-timeout-ms` says; undefined if it is malformed. */
export function connectTimeoutMs(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

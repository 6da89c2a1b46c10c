/** How long a client is ready to wait, as its protocol says it. */

/** The longest that Node's timers can wait: 24 days. What is longer they take for a millisecond. */
export const maxTimerMs = 2 ** 31 - 1;

const millisecondsPerUnit: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * The timeout of a request in milliseconds; Infinity if there is none. It is in `grpc-timeout` for gRPC and gRPC-Web, which
 * their content types name, and in `connect-timeout-ms` for Connect and REST. The other protocol's header has no meaning. A
 * malformed timeout counts as none: gRPC and Connect refuse it themselves.
 */
export function clientTimeoutMs(header: Headers): number {
  const isGrpc = /^application\/grpc/i.test(header.get("content-type") ?? "");
  const timeoutMs = isGrpc
    ? grpcTimeoutMs(header.get("grpc-timeout") ?? "")
    : connectTimeoutMs(header.get("connect-timeout-ms") ?? "");
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

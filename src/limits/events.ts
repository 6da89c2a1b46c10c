/** What the limits publish. */
export interface LimitEvents {
  /** A call was refused because its caller, or its address, has used up a budget. */
  readonly "limits.rate_limited": { readonly budget: string; readonly by: "caller" | "address" };
  /** A call was refused because a caller, an address or the process has too many at once. */
  readonly "limits.concurrency_limited": { readonly by: "caller" | "address" | "process" };
  /** A call was refused because the event loop lags. */
  readonly "limits.shed": { readonly eventLoopDelayMs: number };
  /** Redis cannot be reached: each instance counts alone until it can. */
  readonly "limits.redis_unreachable": { readonly code: string | undefined; readonly message: string };
}

import type { Lane, LimitKey } from "./limit-key.ts";

/** What the limits publish. */
export interface LimitEvents {
  /** A call was rejected because its caller, or its address, has reached a rate limit. */
  readonly "limits.rate_limited": { readonly lane: Lane; readonly by: LimitKey["kind"] };
  /**
   * A connection to Redis failed, or a command. Without Redis each instance counts alone. The message is Redis's or the
   * system's, without the command, which may contain a password or the name of a caller.
   */
  readonly "limits.redis_failed": { readonly code: string | undefined; readonly message: string };
}

import type { Code } from "@connectrpc/connect";

/** What the interceptors publish. */
export interface RpcEvents {
  /** A call has ended, a stream with its last message. */
  readonly "rpc.call_finished": {
    readonly service: string;
    readonly method: string;
    readonly protocol: string;
    /** Undefined if the call succeeded. */
    readonly code: Code | undefined;
    readonly reason: string | undefined;
    readonly durationMs: number;
    /** The cause of an INTERNAL error, for the log only. */
    readonly cause: unknown;
  };
  readonly "rpc.stream_opened": { readonly service: string; readonly method: string };
  readonly "rpc.stream_closed": { readonly service: string; readonly method: string };
}

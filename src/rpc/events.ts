import type { Failure } from "../domain/failure.ts";
import type { ConcurrencyLimits } from "../limits/concurrency-limit.ts";
import type { Lane } from "../limits/limit-key.ts";
import type { Protocol } from "./call-context.ts";

/** What the interceptors publish. */
export interface RpcEvents {
  /** A stream of responses was opened. `rpc.call_finished` follows when it has closed. */
  readonly "rpc.stream_opened": Pick<FinishedCall, "service" | "method" | "protocol">;
  readonly "rpc.call_finished": FinishedCall;
  /** A call failed for an unexpected reason, and is answered with INTERNAL. */
  readonly "rpc.unexpected_error": { readonly service: string; readonly method: string; readonly error: unknown };
  /** A call was rejected because the event-loop delay leaves no time to answer it. */
  readonly "rpc.call_shed": {
    readonly service: string;
    readonly method: string;
    readonly lane: Lane;
    readonly eventLoopDelayMs: number;
  };
  /** A call was rejected because too many are unfinished: of its caller, of its address, or in the process. */
  readonly "rpc.concurrency_limited": {
    readonly of: "bookings" | "settlements" | "streams";
    readonly by: keyof ConcurrencyLimits;
  };
}

export interface FinishedCall {
  /** The service's full name. */
  readonly service: string;
  readonly method: string;
  readonly protocol: Protocol;
  readonly durationMs: number;
  /** The messages that a stream has sent; undefined for a unary call. */
  readonly messages: number | undefined;
  /** `OK`, or the name of the RPC code such as `NotFound`. */
  readonly code: string;
  /** Undefined if the call succeeded. */
  readonly error: CallError | undefined;
}

export interface CallError {
  /** Undefined for an error that is not the domain's. */
  readonly failure: Failure | undefined;
  /** The message to the client. */
  readonly message: string;
  /** What led to the error, for the log only. */
  readonly cause: unknown;
}

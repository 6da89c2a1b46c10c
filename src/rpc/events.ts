import type { CallTrace } from "../domain/call-trace.ts";
import type { Failure } from "../domain/failure.ts";
import type { ConcurrencyLimits } from "../limits/concurrency-limit.ts";
import type { Lane } from "../limits/limit-key.ts";
import type { Origin, Protocol } from "./call-context.ts";

/** What the interceptors publish. */
export interface RpcEvents {
  /** A stream of responses was opened. `rpc.call_finished` follows when it has closed. */
  readonly "rpc.stream_opened": Pick<FinishedCall, "service" | "method" | "protocol">;
  readonly "rpc.call_finished": FinishedCall;
  /** A call failed for an unexpected reason, and is answered with INTERNAL. */
  readonly "rpc.unexpected_error": CallName & { readonly trace: CallTrace | undefined; readonly error: unknown };
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

/** Which call an event is about. */
interface CallName {
  /** The service's full name. */
  readonly service: string;
  readonly method: string;
  /** The request's header X-Request-Id, or what stands for it. */
  readonly requestId: string;
}

/**
 * Begins the trace of a call, before anything can reject it; undefined if the call has none, because it is not recorded and its
 * client has sent no trace. The end is `rpc.call_finished`, which has the trace.
 */
export type BeginTrace = (
  call: CallName & Pick<Origin, "protocol" | "httpVersion"> & { readonly header: Headers },
) => CallTrace | undefined;

export interface FinishedCall extends CallName {
  /** Undefined if the call has none, as when traces are off. */
  readonly trace: CallTrace | undefined;
  readonly protocol: Protocol;
  /**
   * The subject of the caller's token. Without tokens the user that the request names; undefined if it names none. The log
   * and the traces must not contain it as it is, unless the operator wants that.
   */
  readonly user: string | undefined;
  readonly durationMs: number;
  /** The client's own timeout, infinite if it sent none, of a call that has missed its deadline. */
  readonly timeoutMs?: number | undefined;
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

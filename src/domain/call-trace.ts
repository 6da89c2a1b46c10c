/** A call's place in a distributed trace. The code that passes it on reads nothing of it: only the telemetry knows more. */
export interface CallTrace {
  /** For the log: 32 hexadecimal digits. */
  readonly traceId: string;
  /** For the client: the call's own place, 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the trace is recorded. Other calls are left out of what is published for traces. */
  readonly isSampled: boolean;
}

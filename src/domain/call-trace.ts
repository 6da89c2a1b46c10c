/** A call's place in a distributed trace. The code that passes it on reads nothing of it: only the telemetry knows more. */
export interface CallTrace {
  /** For the log: 32 hexadecimal digits. */
  readonly traceId: string;
  /** Whether the trace is recorded. Work for other calls needs not carry theirs. */
  readonly isSampled: boolean;
}

/** Connect's errors as those of this package. */
import { Code, ConnectError } from "@connectrpc/connect";
import { codes, type ErrorDetails, FrontrowError, MalformedMetadata, Unreachable } from "./error.ts";
import { errorsByReason } from "./gen/errors-by-reason.ts";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.ts";

/** The domain of the google.rpc.ErrorInfo of Frontrow's errors. */
const domain = "frontrow";

/** The call that an error is of. */
interface FailedCall {
  readonly address: string;
  readonly idempotencyKey: string | undefined;
}

/** Turns what a transport threw into an error of this package. */
export function toFrontrowError(thrown: unknown, { address, idempotencyKey }: FailedCall): FrontrowError {
  const error = ConnectError.from(thrown);
  const info = error.findDetails(ErrorInfoSchema).find((each) => each.domain === domain);
  const details: ErrorDetails = {
    // Connect's numbers are those of google.rpc.Code, which begin with CANCELLED at 1.
    code: codes[error.code - 1] ?? "UNKNOWN",
    message: error.rawMessage,
    reason: info?.reason,
    metadata: info?.metadata ?? {},
    violations: error
      .findDetails(BadRequestSchema)
      .flatMap((each) => each.fieldViolations.map(({ field, description }) => ({ field, message: description }))),
    // Another service does not know what is safe to repeat in this one.
    retryDelayMs: info && retryDelayMsOf(error),
    requestId: error.metadata.get("x-request-id") ?? undefined,
    idempotencyKey,
    cause: thrown,
  };
  if (details.reason !== undefined) return withReason(details);
  if (error.code === Code.DeadlineExceeded) {
    return withReason({ ...details, reason: "DEADLINE_EXCEEDED", message: `${address} did not answer in time` });
  }
  const connectionFault = connectionFaultOf(error);
  if (connectionFault !== undefined) {
    const message = `no Frontrow service can be reached at ${address}: ${connectionFault}`;
    return new Unreachable({ ...details, code: "UNAVAILABLE", message });
  }
  return new Unreachable({ ...details, message: `the answer of ${address} is not Frontrow's: ${error.rawMessage}` });
}

/** An error of its reason's class. One with an unknown reason, or without the reason's metadata, is a FrontrowError. */
function withReason(details: ErrorDetails): FrontrowError {
  const { reason = "" } = details;
  // A reason such as "constructor" is no property of the table.
  const ErrorOfReason = (Object.hasOwn(errorsByReason, reason) && errorsByReason[reason]) || FrontrowError;
  try {
    return new ErrorOfReason(details);
  } catch (error) {
    if (!(error instanceof MalformedMetadata)) throw error;
    return new FrontrowError(details);
  }
}

function retryDelayMsOf(error: ConnectError): number | undefined {
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay && Math.max(0, Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000);
}

/**
 * Why no response arrived; undefined if one did. `fetch` rejects with a TypeError, whose cause Node.js sets. The transports of
 * Node.js have a system error as the cause, such as ECONNRESET, and different codes for them.
 */
function connectionFaultOf({ cause, code, rawMessage }: ConnectError): string | undefined {
  const fault = (cause instanceof TypeError ? (cause.cause ?? cause) : cause) as SystemError | undefined;
  const isFault = cause instanceof TypeError || typeof fault?.code === "string";
  // OpenSSL's messages end with a line break.
  if (isFault) return fault?.message?.trim() || fault?.code || rawMessage;
  // A call that its signal cancels rejects with the signal's reason. INTERNAL is an answer, or the reset of a stream.
  const isLost = code === Code.Unavailable || code === Code.Canceled || rawMessage.startsWith("http/2 stream closed");
  return isLost ? rawMessage : undefined;
}

interface SystemError {
  readonly message?: string;
  readonly code?: string;
}

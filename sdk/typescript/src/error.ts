/** The errors of calls. The classes for each reason are in gen/errors.ts. */

/** The RPC codes of errors, as in google/rpc/code.proto. */
export const codes = [
  ...(["CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"] as const),
  ...(["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"] as const),
  ...(["UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"] as const),
];

/** The RPC code of an error. */
export type ErrorCode = (typeof codes)[number];

/** An invalid field of a request. */
export interface Violation {
  /** The field's path in the schema's spelling, such as `ticket_count`. */
  readonly field: string;
  readonly message: string;
}

/** What an error of a call has. */
export interface ErrorDetails {
  readonly code: ErrorCode;
  readonly message: string;
  /** Why the call failed, for programs, such as `INSUFFICIENT_TICKETS`. Undefined if the service did not say. */
  readonly reason?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
  /** The delay after which the service wants the call repeated. */
  readonly retryDelayMs?: number | undefined;
  /** The response's `x-request-id`, by which the service's log names the request. It is not the key. */
  readonly requestId?: string | undefined;
  /** The key of the call: its argument `requestId`, or the one that the client made. */
  readonly idempotencyKey?: string | undefined;
  readonly cause?: unknown;
}

/** A call failed. A reason that this version knows has a class: catch `InsufficientTickets`, or compare `reason`. */
export class FrontrowError extends Error {
  override readonly name: string = "FrontrowError";
  readonly code: ErrorCode;
  /** Why the call failed, for programs, such as `INSUFFICIENT_TICKETS`. Undefined if the service did not say. */
  readonly reason: string | undefined;
  /** Facts about the error, such as `available`, as texts. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The invalid fields of the request. */
  readonly violations: readonly Violation[];
  /** The delay after which the service wants the call repeated. */
  readonly retryDelayMs: number | undefined;
  /** The response's `x-request-id`, by which the service's log names the request. It is not the key. */
  readonly requestId: string | undefined;
  /**
   * The key of the call: its argument `requestId`, or the one that the client made. With this `requestId` the call can be
   * repeated later. Undefined for a method without keys.
   */
  readonly idempotencyKey: string | undefined;

  constructor(details: ErrorDetails) {
    super(details.message, { cause: details.cause });
    this.code = details.code;
    this.reason = details.reason;
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryDelayMs = details.retryDelayMs;
    this.requestId = details.requestId;
    this.idempotencyKey = details.idempotencyKey;
  }
}

/** No Frontrow service answered: the connection failed, or something else is at the address. */
export class Unreachable extends FrontrowError {
  override readonly name = "Unreachable";
}

/** The token source failed, or returned no token. Its error is the `cause`. The next call calls the source again. */
export class TokenSourceFailed extends FrontrowError {
  override readonly name = "TokenSourceFailed";
}

/** The metadata of an error lack a value that its reason has in the schema, or have one that is malformed. */
export class MalformedMetadata extends Error {}

/** A value of an error's metadata that is a whole number. */
export function integerOf(details: ErrorDetails, key: string): number {
  const text = textOf(details, key);
  // `Number` alone reads "0x10" and "1e3".
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw new MalformedMetadata(key);
  return Number(text);
}

/** A value of an error's metadata that is an instant. */
export function instantOf(details: ErrorDetails, key: string): Date {
  const value = new Date(textOf(details, key));
  if (Number.isNaN(value.getTime())) throw new MalformedMetadata(key);
  return value;
}

/** A value of an error's metadata that is a text. */
export function textOf({ metadata }: ErrorDetails, key: string): string {
  const value = metadata?.[key];
  if (value === undefined || value === "") throw new MalformedMetadata(key);
  return value;
}

/** The reasons of errors and their codes, as frontrow/v1/error_reason.proto declares them. */
import { type DescMethod, getOption } from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
import {
  type ErrorDescription,
  ErrorOrigin,
  ErrorReason,
  ErrorReasonSchema,
  error,
  error_reasons,
  RetryDelay,
} from "../../gen/frontrow/v1/error_reason_pb.ts";
import { CodeSchema, type Code as RpcCode } from "../../gen/google/rpc/code_pb.ts";

export { ErrorOrigin, RetryDelay };

/** A reason as google.rpc.ErrorInfo and problem documents carry it, such as `CONCERT_NOT_FOUND`. */
export type ReasonName = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

/** An RPC code as problem documents carry it, such as `NOT_FOUND`. */
export type CodeName = Exclude<keyof typeof RpcCode, "OK">;

/** Every reason, in the schema's order. */
export const reasonNames = ErrorReasonSchema.values
  .map(({ localName }) => localName as keyof typeof ErrorReason)
  .filter((name): name is ReasonName => name !== "UNSPECIFIED");

const descriptions = Object.fromEntries(
  reasonNames.map((name) => [name, getOption(ErrorReasonSchema.value[ErrorReason[name]], error)]),
) as Readonly<Record<ReasonName, ErrorDescription>>;

/** The options of a reason in the schema. */
export function describeReason(reason: ReasonName): ErrorDescription {
  return descriptions[reason];
}

/** The reason's RPC codes, the usual one first. */
export function codesOf(reason: ReasonName): readonly Code[] {
  // The numbers are gRPC's in both enums.
  return descriptions[reason].codes as readonly number[];
}

/** The reason's usual RPC code. */
export function codeOf(reason: ReasonName): Code {
  const [code] = codesOf(reason);
  if (code === undefined) throw new Error(`${reason} has no code: see frontrow/v1/error_reason.proto`);
  return code;
}

/** The name of an RPC code. */
export function codeName(code: Code): CodeName {
  return (CodeSchema.value[code]?.name ?? "UNKNOWN") as CodeName;
}

/** The reasons of a method's own errors, as its option lists them. */
export function reasonsOf(method: DescMethod): readonly ReasonName[] {
  return getOption(method, error_reasons).map((number) => ErrorReasonSchema.value[number]?.localName as ReasonName);
}

/** The reasons of an origin. */
export function reasonsFrom(origin: ErrorOrigin): readonly ReasonName[] {
  return reasonNames.filter((name) => descriptions[name].origin === origin);
}

/** What a client library has to do for the page. */
import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import type { PageCall, PageError } from "./calls.ts";

export type Message = MessageShape<DescMessage>;

export interface CallContext {
  readonly call: PageCall;
  /** Aborts when the test cancels the call. */
  readonly signal: AbortSignal;
  onHeaders(headers: Readonly<Record<string, string>>): void;
  onMessage(message: Message): void;
}

/** Makes a call and resolves once it has ended, with the error if it failed. */
export type Client = (method: DescMethod, request: Message, context: CallContext) => Promise<PageError | undefined>;

/** Finds an error's detail of a type. */
export type FindDetail = <Desc extends DescMessage>(schema: Desc) => MessageShape<Desc> | undefined;

export function pageError(code: string, message: string, find: FindDetail): PageError {
  const info = find(ErrorInfoSchema);
  const fields = find(BadRequestSchema)?.fieldViolations.map(({ field }) => field) ?? [];
  return { code, message, reason: info?.reason, metadata: info?.metadata ?? {}, fields };
}

/** `NOT_FOUND` for `NotFound`. */
export function codeName(name = "Unknown"): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

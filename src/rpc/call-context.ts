/** Values of one call besides its request. One interceptor sets each value for the inner interceptors and the handler. */
import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { CallTrace } from "../domain/call-trace.ts";
import type { Caller } from "../domain/caller.ts";
import type { Actor } from "../domain/change.ts";
import type { ChangeDeadline } from "../domain/deadline.ts";

export type Protocol = "rest" | "connect" | "grpc" | "grpc-web" | "mcp";

/** How a call has arrived. */
export interface Origin {
  /** The client's address; empty if it is unknown. */
  readonly address: string;
  readonly protocol: Protocol;
  /** By which the client and the log name the request. */
  readonly requestId: string;
  /** The version of HTTP, such as `1.1` or `2`. */
  readonly httpVersion: string;
}

const unknownOrigin: Origin = { address: "", protocol: "connect", requestId: "", httpVersion: "" };
const originKey = createContextKey<Origin>(unknownOrigin, { description: "origin" });
const callerKey = createContextKey<Caller | undefined>(undefined, { description: "caller" });
const deadlineKey = createContextKey<ChangeDeadline | undefined>(undefined, { description: "deadline" });
const traceKey = createContextKey<CallTrace | undefined>(undefined, { description: "trace" });
const ownerKey = createContextKey<{ readonly owner: string | undefined; isTaken: boolean } | undefined>(undefined, {
  description: "required owner",
});
const headersKey = createContextKey<Map<string, string> | undefined>(undefined, { description: "response headers" });

/** The context of a new call, before any interceptor runs. */
export function createCallContext(origin: Origin): ContextValues {
  return createContextValues().set(originKey, origin);
}

export function originOf(values: ContextValues): Origin {
  return values.get(originKey);
}

/** The RPC protocol that a content type belongs to. */
export function protocolOf(contentType = ""): Protocol {
  if (contentType.startsWith("application/grpc-web")) return "grpc-web";
  return contentType.startsWith("application/grpc") ? "grpc" : "connect";
}

export function setCaller(values: ContextValues, caller: Caller): void {
  values.set(callerKey, caller);
}

export function callerOf(values: ContextValues): Caller {
  return required(values.get(callerKey), "identity");
}

/** The subject of the caller's token; undefined for a caller without one, or that is not known yet. */
export function subjectOf(values: ContextValues): string | undefined {
  return values.get(callerKey)?.subject;
}

/** The author of a change. Without a token that is the user in the request, if any. */
export function actorOf(values: ContextValues, userId?: string): Actor {
  const { subject = userId, address } = callerOf(values);
  return { subject, address: address === "" ? undefined : address };
}

export function setTrace(values: ContextValues, trace: CallTrace): void {
  values.set(traceKey, trace);
}

/** Undefined if the call has none, as when traces are off. */
export function traceOf(values: ContextValues): CallTrace | undefined {
  return values.get(traceKey);
}

export function setDeadline(values: ContextValues, deadline: ChangeDeadline): void {
  values.set(deadlineKey, deadline);
}

export function deadlineOf(values: ContextValues): ChangeDeadline {
  return required(values.get(deadlineKey), "deadline");
}

/** Requires an owner of the call's resource; undefined allows any user's. Returns whether the handler has taken it. */
export function requireOwner(values: ContextValues, owner: string | undefined): () => boolean {
  const requirement = { owner, isTaken: false };
  values.set(ownerKey, requirement);
  return () => requirement.isTaken;
}

/**
 * The user who must own the call's resource; undefined if any user may. Each handler of a method whose rule names a
 * resource takes it and compares it with the row. Otherwise the call fails.
 */
export function takeRequiredOwner(values: ContextValues): string | undefined {
  const requirement = required(values.get(ownerKey), "authorization");
  requirement.isTaken = true;
  return requirement.owner;
}

/** Sets a header of the response, whether the call succeeds or not. */
export function setResponseHeader(values: ContextValues, name: string, value: string): void {
  const headers = values.get(headersKey);
  if (headers) headers.set(name, value);
  else values.set(headersKey, new Map([[name, value]]));
}

/** Copies these headers to the response, or to the metadata of an error. */
export function applyResponseHeaders(values: ContextValues, to: Headers): void {
  for (const [name, value] of values.get(headersKey) ?? []) to.set(name, value);
}

function required<Value>(value: Value | undefined, interceptor: string): Value {
  if (value === undefined) throw new Error(`the ${interceptor} interceptor did not run`);
  return value;
}

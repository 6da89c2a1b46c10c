/** Who makes a call, from the connection to the handlers. */
import { type ContextValues, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import type { Caller } from "../domain/caller.ts";
import type { Actor } from "../domain/change.ts";

const addressKey = createContextKey("", { description: "the address that the call came from" });
const callerKey = createContextKey<Caller | undefined>(undefined, { description: "who makes the call" });

/** What a server knows of a call before any interceptor runs. */
export function contextValuesOf(address: string): ContextValues {
  return createContextValues().set(addressKey, address);
}

/** The address that a call came from; empty if its server did not say. */
export function addressOf(values: ContextValues): string {
  return values.get(addressKey);
}

/** Notes who makes the call. */
export function setCaller(values: ContextValues, caller: Caller): void {
  values.set(callerKey, caller);
}

/** Who makes the call; the identity interceptor has found out. */
export function callerOf(values: ContextValues): Caller {
  const caller = values.get(callerKey);
  if (!caller) throw new Error("the identity interceptor did not run");
  return caller;
}

/** Who makes the change that a handler is called for. Without a token that is the user whom the request names, if any. */
export function actorOf({ values }: HandlerContext, userId?: string): Actor {
  const { subject = userId, address } = callerOf(values);
  return { subject, address: address === "" ? undefined : address };
}

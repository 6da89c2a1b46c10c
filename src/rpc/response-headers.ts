/** Headers that interceptors want on an answer, whether it succeeds or not. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";

const headersKey = createContextKey<Map<string, string> | undefined>(undefined, {
  description: "headers of the answer",
});

/** Notes a header for the call's answer. */
export function noteHeader(values: ContextValues, name: string, value: string): void {
  const headers = values.get(headersKey);
  if (headers) headers.set(name, value);
  else values.set(headersKey, new Map([[name, value]]));
}

/** Copies the noted headers to the answer, or to the metadata of an error. */
export function applyHeaders(values: ContextValues, to: Headers): void {
  for (const [name, value] of values.get(headersKey) ?? []) to.set(name, value);
}

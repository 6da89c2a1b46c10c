/** Headers that interceptors want on an answer, whether it succeeds or not. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";

const headersKey = createContextKey<Headers | undefined>(undefined, { description: "headers of the answer" });

/** Notes a header for the call's answer. */
export function noteHeader(values: ContextValues, name: string, value: string): void {
  const headers = values.get(headersKey) ?? new Headers();
  headers.set(name, value);
  values.set(headersKey, headers);
}

/** Copies the noted headers to the answer, or to the metadata of an error. */
export function applyHeaders(values: ContextValues, to: Headers): void {
  values.get(headersKey)?.forEach((value, name) => {
    to.set(name, value);
  });
}

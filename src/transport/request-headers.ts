import type { IncomingHttpHeaders } from "node:http";

/** The request's headers in the form that interceptors read. */
export function readHeaders(headers: IncomingHttpHeaders): Headers {
  const result = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    // HTTP/2 adds pseudo-headers such as :path.
    if (value === undefined || name.startsWith(":")) continue;
    if (typeof value === "string") result.set(name, value);
    else for (const each of value) result.append(name, each);
  }
  return result;
}

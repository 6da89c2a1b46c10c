/** The id by which a client, a proxy and the log name one request: the header X-Request-Id. */
import { randomUUID } from "node:crypto";

/** The header, as Node names it. */
export const requestIdHeader = "x-request-id";

/** Visible ASCII characters. Others could forge a line of a log, or be no header. */
const acceptable = /^[\x21-\x7e]{1,128}$/;

/** The request's id: the client's, or a new one if it has sent none that can be used. */
export function requestIdOf({ headers }: { readonly headers: NodeJS.Dict<string | string[]> }): string {
  const sent = headers[requestIdHeader];
  return typeof sent === "string" && acceptable.test(sent) ? sent : randomUUID();
}

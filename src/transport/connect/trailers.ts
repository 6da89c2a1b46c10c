/** Trailers that can be sent. */
import { validateHeaderValue } from "node:http";

/** Fields of the connection, or of how a message is framed: RFC 9110, 6.5.1 and 7.6.1, and RFC 9113, 8.2.2. */
const fieldsOfConnection: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings", "te"],
  ...["content-length", "trailer"],
]);

/**
 * Removes what no trailer can be, as Node removes it from the headers of HTTP/2. Throws if a value cannot be sent.
 *
 * To report: "A trailer whose name is that of a field of the connection ends the process over HTTP/2: Node throws when it
 * writes the trailers", and "a value that cannot be in a trailer is found after the response has begun."
 */
export function checkTrailer(trailer: Headers): void {
  for (const [name, value] of [...trailer]) {
    if (fieldsOfConnection.has(name)) trailer.delete(name);
    else validateHeaderValue(name, value);
  }
}

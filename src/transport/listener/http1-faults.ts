/** Answers bytes that never became an HTTP/1 request, with the problems that any other refusal has. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { problemOfStatus } from "../rest/problem-details.ts";
import { problemHeaders, refuse } from "./unhandled.ts";

/** HTTP's status for the errors of Node's parser that are not simply a bad request. */
const statusOfError: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/**
 * Answers a request without the Host that HTTP/1.1 demands, or whose body has an end that another server on the way may see
 * elsewhere, and closes the connection: with HTTP/1.0 or without `chunked` at its end Transfer-Encoding is faulty, and no
 * other coding is implemented (RFC 9112, 3.2, 6.1 and 6.3). Returns whether it has.
 */
export function refuseFaulty(request: IncomingMessage, response: ServerResponse): boolean {
  const { host, "transfer-encoding": coding } = request.headers;
  const isOld = request.httpVersion === "1.0";
  if (host === undefined && !isOld) {
    refuse(request, response, problemOfStatus(400, "a request of HTTP/1.1 must have the header Host"));
    return true;
  }
  if (coding === undefined) return false;
  if (!isOld && coding.toLowerCase() === "chunked") return false;
  refuse(request, response, problemOfStatus(isOld || !/\bchunked$/i.test(coding) ? 400 : 501));
  return true;
}

/** Tells the client what was wrong and closes the connection. */
export function answerFault(error: Error & { code?: string }, socket: Socket): void {
  const status = statusOfError[error.code ?? ""] ?? 400;
  const body = JSON.stringify(problemOfStatus(status));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries({ ...problemHeaders, connection: "close" }).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  // Ended and not destroyed: with what the client still sends unread, it would get a reset in place of the answer.
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

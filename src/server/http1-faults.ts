/** Answers bytes that never became an HTTP/1 request, with the problems that any other refusal has. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { problemOfStatus } from "./problem.ts";

/** HTTP's status for the errors of Node's parser that are not simply a bad request. */
const statusOfError: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** Tells the client what was wrong and closes the connection. */
export function answerFault(error: Error & { code?: string }, socket: Socket): void {
  const status = statusOfError[error.code ?? ""] ?? 400;
  const body = JSON.stringify(problemOfStatus(status));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  // Ended and not destroyed: with what the client still sends unread, it would get a reset in place of the answer.
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

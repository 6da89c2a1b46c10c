/** The listener's own responses: to requests, and to bytes that are no request, which no handler receives. */
import { randomUUID } from "node:crypto";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type HttpError, httpError } from "../http-errors.ts";
import { requestIdHeader, requestIdOf } from "../request-id.ts";
import { problemHeaders, problemOf } from "../rest/problem-details.ts";

/** Refuses a request, and closes its connection if that is one of HTTP/1. */
export function refuse(request: IncomingMessage, response: ServerResponse, error: HttpError): void {
  const { status, headers, body } = render(error);
  const closing = request.httpVersionMajor === 1 && { connection: "close" };
  response.writeHead(status, { ...headers, [requestIdHeader]: requestIdOf(request), ...closing });
  response.end(body);
}

/** Refuses a request with an Expect other than `100-continue`, which Node would answer with a bare 417. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  refuse(request, response, httpError(417));
}

/** HTTP's status for the errors of Node's parser that are not simply a bad request. */
const statusOfParserError: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** Answers bytes that are no HTTP/1 request, and closes the connection. */
export function refuseBytes(error: Error & { readonly code?: string }, socket: Socket): void {
  const { status, headers, body } = render(httpError(statusOfParserError[error.code ?? ""] ?? 400));
  const sent = { ...headers, [requestIdHeader]: randomUUID(), connection: "close" };
  const fields = Object.entries(sent).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...fields];
  // Ended and not destroyed: with what the client still sends unread, it would get a reset in place of the response.
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function render(error: HttpError) {
  const problem = problemOf(error.status);
  const body = JSON.stringify(problem);
  return { status: problem.status, headers: { ...problemHeaders, "content-length": Buffer.byteLength(body) }, body };
}

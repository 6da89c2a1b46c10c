/** Problems as answers to requests that no handler receives. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Problem, problemOfStatus } from "../rest/problem-details.ts";

/** The headers of these answers. */
export const problemHeaders = {
  "content-type": "application/problem+json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** Answers with a problem, and closes the connection if it is one of HTTP/1. */
export function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const body = JSON.stringify(problem);
  response.writeHead(problem.status, {
    ...problemHeaders,
    "content-length": Buffer.byteLength(body),
    ...(request.httpVersionMajor === 1 && { connection: "close" }),
  });
  response.end(body);
  request.resume();
}

/** Refuses a request with an Expect other than `100-continue`, which Node would answer with a bare 417. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  refuse(request, response, problemOfStatus(417));
}

/** Reads what a REST method has to know of a Fastify request. */
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyRequest } from "fastify";
import { shortValue } from "../../domain/short-text.ts";
import { invalidRequest } from "../json/fault.ts";
import type { RestBinding } from "./bindings.ts";
import type { RestRequest } from "./decode.ts";
import { captureVariables } from "./path-template.ts";
import { ProblemError, problemOfStatus } from "./problem-details.ts";

/** The path and the query of a request, as they were sent. */
export function splitUrl(url: string): { path: string; query: string } {
  // A proxy may be sent the absolute form: http://host/path.
  const target = url.startsWith("/") ? url : url.replace(/^[a-z]+:\/\/[^/?]*\/?/i, "/");
  const mark = target.indexOf("?");
  return mark < 0 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Gathers what the request says to the method. Throws a ProblemError for a body that is not JSON or not wanted. */
export function readRequest(
  request: FastifyRequest,
  { template, body }: RestBinding,
  rawSegments: readonly string[],
  query: string,
): RestRequest {
  const { headers } = request;
  const bytes = request.body instanceof Uint8Array && request.body.length > 0 ? request.body : undefined;
  if (body === "none") {
    // Fastify leaves the body of a GET unread. To ignore one would be to ignore something the client said.
    const length = headers["content-length"] ?? "0";
    if (bytes !== undefined || length !== "0" || headers["transfer-encoding"] !== undefined) {
      throw invalidRequest("", "this method takes no request body");
    }
  } else if (bytes !== undefined) {
    requireJson(headers);
  }
  return { pathVariables: captureVariables(template, rawSegments), query, body: bytes };
}

/** `application/json`, whatever its parameters, but a charset can only be UTF-8. */
const jsonType = /^application\/json\s*(?:;(?!.*charset=(?!"?utf-?8"?\s*(?:;|$))).*)?$/i;

function requireJson(headers: IncomingHttpHeaders): void {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = headers;
  if (type !== "application/json" && !jsonType.test(type)) throw new ProblemError(problemOfStatus(415));
  if (encoding !== "identity") {
    const detail = `the body must be sent without Content-Encoding, not as ${shortValue(encoding)}`;
    throw new ProblemError(problemOfStatus(415, detail));
  }
}

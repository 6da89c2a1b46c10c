/** What every answer has to be, however wrong its request was. */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { findInsides } from "../wire/errors.ts";
import { hasHeader, hasTimeout, type RawRequest } from "./http.ts";
import { bytesOf, type RawAnswer } from "./raw-http.ts";

export type FuzzProtocol = "REST" | "Connect";

/** Connect's error codes, each with its HTTP status, as its specification lists them. */
const statusOfCode: Readonly<Record<string, number>> = {
  ...{ canceled: 499, unknown: 500, invalid_argument: 400, deadline_exceeded: 504, not_found: 404 },
  ...{ already_exists: 409, permission_denied: 403, resource_exhausted: 429, failed_precondition: 400, aborted: 409 },
  ...{ out_of_range: 400, unimplemented: 501, internal: 500, unavailable: 503, data_loss: 500, unauthenticated: 401 },
};

type Json = Readonly<Record<string, unknown>>;

/** What is wrong with the answer to a request; undefined if nothing is. */
export function faultOf(protocol: FuzzProtocol, request: RawRequest, received: RawAnswer): string | undefined {
  const answer = { ...received, body: unpacked(received) };
  if (/^x-injected:/im.test(answer.head)) return "the request wrote a header of the answer";
  if (answer.status < 400) return faultOfSuccess(answer);
  return faultOfError(protocol, request, answer) ?? faultOfText(request, answer);
}

function unpacked({ headers, body }: RawAnswer): Buffer {
  if (body.length === 0) return body;
  const encoding = headers.get("content-encoding");
  if (encoding === "gzip") return gunzipSync(body);
  return encoding === "br" ? brotliDecompressSync(body) : body;
}

function faultOfSuccess({ status, headers, body, head }: RawAnswer): string | undefined {
  if (status === 304 || status === 204) return body.length === 0 ? undefined : "a body where none may be";
  if (status === 200 && headers.get("content-type")?.startsWith("application/grpc")) return faultOfGrpc(head, body);
  if (status !== 200 && status !== 201) return "an unexpected status";
  const location = headers.get("location");
  if ((status === 201) !== (location !== undefined)) return "a creation without its place, or the other way round";
  if (location !== undefined && !/^\/[\x21-\x7e]+\/[1-9]\d*$/.test(location)) return "an odd Location";
  if (isBinary(headers)) return undefined;
  return body.length === 0 || parseObject(body) !== undefined ? undefined : "no JSON object";
}

/** A status of the gRPC protocols, which requests with their types are answered with. */
function faultOfGrpc(head: string, body: Buffer): string | undefined {
  const insides = findInsides(`${head}\n${body.toString("latin1")}`);
  return insides === undefined ? undefined : `shows internals: ${insides}`;
}

const isBinary = (headers: RawAnswer["headers"]) => headers.get("content-type") === "application/proto";

function faultOfError(protocol: FuzzProtocol, request: RawRequest, answer: RawAnswer): string | undefined {
  const type = answer.headers.get("content-type") ?? "";
  if (request.method === "HEAD") return answer.status < 500 ? undefined : "a fault of the server";
  if (type.startsWith("application/problem+json")) return faultOfProblem(request, answer);
  if (protocol === "Connect" && type === "application/json") return faultOfConnectError(request, answer);
  return `an error of the type ${type}`;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** RFC 9457's members and ours. The service fails only calls with a timeout. */
function faultOfProblem(request: RawRequest, { status, body }: RawAnswer): string | undefined {
  const problem = parseObject(body);
  if (!problem) return "no problem in JSON";
  const { type, title, detail, code, reason } = problem;
  if (![type, title, detail, code, reason].every(isText) || problem.status !== status) return "a malformed problem";
  if (type !== `urn:frontrow:problem:${String(reason).toLowerCase().replaceAll("_", "-")}`) return "another type";
  if (status < 500) return undefined;
  const isLate = hasTimeout(request) && ["OVERLOADED", "DEADLINE_EXCEEDED"].includes(String(reason));
  return isLate && (status === 503 || status === 504) ? undefined : "a fault of the server";
}

function faultOfConnectError(request: RawRequest, { status, body }: RawAnswer): string | undefined {
  const error = parseObject(body);
  if (!error) return "no error in JSON";
  const { code, message, details = [] } = error;
  if (!isText(code) || !isText(message) || !Array.isArray(details)) return "a malformed error";
  // HTTP's own status for a precondition in a header: Connect's specification has none.
  const isHeaders = status === 412 && code === "failed_precondition" && hasHeader(request, "if-match");
  if (statusOfCode[code] !== status && !isHeaders) return "a status that is not its code's";
  // By Connect's specification, what a server cannot unpack is "unimplemented", whose status is 501.
  const isLate = hasTimeout(request) && ["unavailable", "deadline_exceeded"].includes(code);
  return status < 500 || isLate || code === "unimplemented" ? undefined : "a fault of the server";
}

/** Stacks, SQL, files and addresses; what the request said itself may be repeated to it. */
function faultOfText(request: RawRequest, { head, body }: RawAnswer): string | undefined {
  const [path = ""] = request.target.split("?", 1);
  // A long one is cut.
  const echoes = [path, path.slice(0, 100)]
    .filter((text) => text !== "")
    .map((text) => JSON.stringify(text).slice(1, -1));
  const text = echoes.reduce((rest, echo) => rest.replaceAll(echo, "PATH"), `${head}\n${body.toString()}`);
  const found = findInsides(text);
  if (found === undefined) return undefined;
  const said = bytesOf(request).toString("latin1");
  // A field's name, for instance, is repeated with a colon.
  return said.includes(found.replaceAll(/^at |:$/g, "")) ? undefined : `shows internals: ${found}`;
}

function parseObject(body: Buffer): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString());
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Json) : undefined;
  } catch {
    return undefined;
  }
}

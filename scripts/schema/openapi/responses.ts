/** The responses of operations: with a resource, without a change (304), and with an error for each status. */
import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { readAccessRules } from "../../../src/rpc/access.ts";
import type { ReasonName } from "../../../src/rpc/reasons.ts";
import { type ErrorCase, isRead, refusalReasons, takes } from "./errors.ts";
import { challenge, commonResponseHeaders, headerRefs, type ResponseHeaderName } from "./headers.ts";
import { anyProblem } from "./problems.ts";

/** The content of a response by its media type. */
export type Content = Readonly<Record<string, JsonObject>>;

export interface Success {
  readonly status: number;
  readonly content: Content;
  /** Headers that only this response has. */
  readonly headers: readonly ResponseHeaderName[];
}

/** The responses of a call that succeeds. A GET that finds what the client has already is answered with 304. */
export function successResponses(
  method: DescMethod,
  httpMethod: string,
  { status, content, headers }: Success,
): JsonObject {
  const isGet = httpMethod === "GET";
  const { isPrivate } = readAccessRules([method.parent])(method);
  // As src/rpc/interceptors/cache-control.ts sets it.
  const isGuarded = isPrivate && httpMethod !== "POST";
  const unchanged = headerRefs([
    ...commonResponseHeaders,
    ...(isGet ? (["ETag"] as const) : []),
    ...(isGuarded ? (["Cache-Control"] as const) : []),
  ]);
  const all = { ...unchanged, ...headerRefs([...headers, ...replayHeaders(method)]) };
  const descriptions: Readonly<Record<number, string>> = { 200: "The call has succeeded.", 201: "Created." };
  return {
    [status]: { description: descriptions[status] ?? "", headers: all, content: { ...content } },
    ...(isGet && {
      304: {
        description: "`If-None-Match` names the response: the client has it already.",
        headers: unchanged,
      },
    }),
  };
}

function replayHeaders(method: DescMethod): ResponseHeaderName[] {
  const isRepeatable = takes(method, "request_id") || method.idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT;
  return isRepeatable && !isRead(method) ? ["Idempotency-Replayed"] : [];
}

/** The responses of a call that fails, by status. */
export function errorResponses(cases: readonly ErrorCase[], contentOf: (ofStatus: ErrorCase[]) => Content): JsonObject {
  const byStatus = Map.groupBy(cases, ({ status }) => status);
  const entries = [...byStatus].map(([status, ofStatus]): [string, JsonObject] => {
    const reasons = [...new Set(ofStatus.map(({ reason }) => reason))];
    return [String(status), errorResponse(reasons, headersOf(status), contentOf(ofStatus))];
  });
  return { ...Object.fromEntries(entries), default: { $ref: "#/components/responses/Refusal" } };
}

function errorResponse(reasons: readonly ReasonName[], headers: JsonObject, content: Content): JsonObject {
  return {
    description: reasons.map((reason) => `\`${reason}\``).join(", "),
    headers: { ...headerRefs([...commonResponseHeaders, "Cache-Control"]), ...headers },
    content: { ...content },
  };
}

function headersOf(status: number): JsonObject {
  if (status === 401) return challenge;
  if (status === 403) return headerRefs(["WWW-Authenticate"]);
  // Connect names the encodings of bodies that it accepts.
  if (status === 501) return headerRefs(["Accept-Encoding"]);
  return status === 429 || status === 503 || status === 504 ? headerRefs(["Retry-After"]) : {};
}

/** A problem document with one of these reasons. */
export function problemContent(reasons: readonly ReasonName[]): Content {
  return { "application/problem+json": { schema: anyProblem([...new Set(reasons)]) } };
}

/** What HTTP refuses at any path. */
export const refusalResponse: JsonObject = errorResponse(
  refusalReasons,
  headerRefs(["Allow"]),
  problemContent(refusalReasons),
);

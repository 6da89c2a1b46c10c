import type { Interceptor } from "@connectrpc/connect";
import { connectErrorOf } from "../../rpc/status.ts";
import { refusal } from "./problem-details.ts";

const notCompared = refusal(
  "PRECONDITION_FAILED",
  "this method cannot be called under the condition of the header If-Match",
);

/**
 * Refuses a change under a condition that nothing compares: to ignore If-Match would be to change what the client wanted
 * left alone. A method whose request has a `version` compares it under the resource's lock. It has to be the innermost
 * interceptor, because a condition counts only where the request would succeed without it (RFC 9110, 13.2.1).
 */
export const refuseUncompared: Interceptor = (next) => (request) => {
  const isRead = request.requestMethod === "GET" || request.requestMethod === "HEAD";
  const isCompared = isRead || "version" in request.method.input.field;
  if (!isCompared && request.header.has("if-match")) throw connectErrorOf(notCompared);
  return next(request);
};

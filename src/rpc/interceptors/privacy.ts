import type { Interceptor } from "@connectrpc/connect";
import type { RuleOf } from "../access.ts";
import { noteHeader } from "../response-headers.ts";

/**
 * Keeps shared caches from handing what belongs to one user to another. The user's own may keep it, but has to ask with its
 * ETag whether it still holds. No cache keeps an answer to POST.
 */
export function createPrivacyInterceptor(ruleOf: RuleOf): Interceptor {
  return (next) => async (request) => {
    if (request.requestMethod !== "POST" && ruleOf(request.method).isOwned) {
      noteHeader(request.contextValues, "cache-control", "private, no-cache");
    }
    return await next(request);
  };
}

import type { Interceptor } from "@connectrpc/connect";
import type { RuleOf } from "../access.ts";
import { setResponseHeader } from "../call-context.ts";

/**
 * Keeps shared caches from serving one caller's data to another. The caller's own cache may store it, but must revalidate it
 * by its ETag. No cache stores a response to POST.
 */
export function createCacheControlInterceptor(ruleOf: RuleOf): Interceptor {
  return (next) => (request) => {
    if (request.requestMethod !== "POST" && ruleOf(request.method).isPrivate) {
      setResponseHeader(request.contextValues, "cache-control", "private, no-cache");
    }
    return next(request);
  };
}

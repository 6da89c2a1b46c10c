/**
 * Which pages may call tools. The protocol requires servers to validate Origin: a browser sends a page's requests to a name
 * that the page's own DNS server resolves to this machine (DNS rebinding), and treats the response as one of the page's origin.
 */
import type { FastifyRequest } from "fastify";
import { loopbackAuthority } from "../../domain/address.ts";
import { shortValue } from "../../domain/short-text.ts";
import { HttpError, refusal } from "../http-errors.ts";

interface OriginRules {
  readonly corsOrigins: "*" | readonly string[];
  /** Whether a call needs a token where it matters, which the pages of other sites do not have. */
  readonly verifiesTokens: boolean;
}

/**
 * The refusal of a request of a page that may not call. Pages of this machine may, and those of APP_CORS_ORIGINS. Where tokens
 * are verified, so may the pages of the service's own host. Without tokens they may not, since the host that a rebinding page
 * names is its own, and then `*` allows none.
 */
export function refuseOrigin(
  { headers, host }: FastifyRequest,
  { corsOrigins, verifiesTokens }: OriginRules,
): HttpError | undefined {
  const { origin } = headers;
  if (origin === undefined) return undefined;
  const page = /^https?:\/\/[^/@\\?#]+$/i.test(origin) ? URL.parse(origin) : null;
  if (page !== null) {
    if (loopbackAuthority.test(page.host)) return undefined;
    if (corsOrigins !== "*" && corsOrigins.includes(page.origin)) return undefined;
    if (verifiesTokens && page.host === URL.parse(`${page.protocol}//${host}`)?.host) return undefined;
  }
  if (verifiesTokens && corsOrigins === "*") return undefined;
  const problem = `the origin ${shortValue(origin)} is neither of this machine nor in APP_CORS_ORIGINS`;
  return new HttpError(refusal("ORIGIN_NOT_ALLOWED", problem));
}

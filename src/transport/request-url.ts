/** Where a request is addressed to: its URL, and the parts of its target. */
import type { FastifyRequest } from "fastify";

type Addressed = Pick<FastifyRequest, "raw" | "url">;

/** The origins of valid hosts: making a URL takes longer than all other checks. */
const origins = new Map<string, string>();
const maxOrigins = 1_000;
/** The longest name in DNS. */
const maxKeptLength = 255;
/** A target that is the same in a URL. */
const plainTarget = /^\/(?!\/)[\w./~%?=&+-]*$/;

/** The URL of a request that `hasUrl`. A proxy may send the absolute form of a target. */
export function urlOf({ raw, url }: Addressed): string {
  const origin = originOf(hostOf(raw)) ?? "";
  return plainTarget.test(url) ? origin + url : new URL(url, origin).toString();
}

/**
 * Whether Connect can make a URL of a request, and the right one: what begins a path, a query or user information is no part
 * of a host (RFC 9112, 3.2), and no target has a fragment (RFC 9112, 3.2.1).
 */
export function hasUrl({ raw, url }: Addressed): boolean {
  const origin = originOf(hostOf(raw));
  if (origin === undefined || url.includes("#")) return false;
  return url.startsWith("/") || URL.canParse(url, origin);
}

/** The host that the client names. X-Forwarded-Host, which Fastify prefers, is unknown to Connect. */
export function hostOf(raw: FastifyRequest["raw"]): unknown {
  return "authority" in raw ? raw.authority : raw.headers.host;
}

function originOf(host: unknown): string | undefined {
  if (typeof host !== "string") return undefined;
  const kept = origins.get(host);
  if (kept !== undefined) return kept;
  if (/[/?#@\\\s]/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  const { origin } = new URL(`http://${host}`);
  if (origins.size < maxOrigins && host.length <= maxKeptLength) origins.set(host, origin);
  return origin;
}

/** The path and the query of a target, as they were sent. */
export function splitTarget(url: string): { path: string; query: string } {
  // A proxy may be sent the absolute form: http://host/path.
  const target = url.startsWith("/") ? url : url.replace(/^[a-z]+:\/\/[^/?]*\/?/i, "/");
  const mark = target.indexOf("?");
  return mark < 0 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

const queries = new WeakMap<FastifyRequest, URLSearchParams>();

/** The parameters of a Connect GET, which holds what a POST has in its headers and its body. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  return queries.getOrInsertComputed(request, () => new URLSearchParams(splitTarget(request.url).query));
}

/** What the headers of a request set: its timeout, the version that it may change, and whether a cache may answer. */

import type { Precondition } from "../domain/change.ts";
import type { BrokenPrecondition } from "../domain/failure.ts";

/** The longest that Node's timers can wait: 24 days. Longer delays become a millisecond. */
export const maxTimerMs = 2 ** 31 - 1;

const millisecondsPerUnit: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * The timeout of a request in milliseconds; Infinity if there is none. gRPC and gRPC-Web send it in `grpc-timeout`, Connect
 * and REST in `connect-timeout-ms`. The other protocol's header is ignored. A malformed timeout counts as none: gRPC and
 * Connect reject it themselves.
 */
export function clientTimeoutMs(header: Headers): number {
  const isGrpc = /^application\/grpc/i.test(header.get("content-type") ?? "");
  const timeoutMs = isGrpc
    ? grpcTimeoutMs(header.get("grpc-timeout") ?? "")
    : connectTimeoutMs(header.get("connect-timeout-ms") ?? "");
  return timeoutMs ?? Number.POSITIVE_INFINITY;
}

/** The timeout in `grpc-timeout`; undefined if it is malformed. */
export function grpcTimeoutMs(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (millisecondsPerUnit[unit] ?? 0);
}

/** The timeout in `connect-timeout-ms`; undefined if it is malformed. */
export function connectTimeoutMs(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** Whether Cache-Control asks for a response that no cache has stored. */
export function wantsFresh(header: Headers): boolean {
  return /\bno-(?:cache|store)\b/i.test(header.get("Cache-Control") ?? "");
}

/** The precondition in If-Match and If-None-Match (RFC 9110, 13.1). */
export function preconditionOf(header: Headers): Precondition {
  const ifMatch = header.get("If-Match");
  const ifNoneMatch = header.get("If-None-Match");
  return {
    brokenBy(version): BrokenPrecondition | undefined {
      if (ifMatch !== null && !isVersionNamed(ifMatch, version)) return "If-Match";
      return ifNoneMatch !== null && isVersionNamed(ifNoneMatch, version) ? "If-None-Match" : undefined;
    },
  };
}

/**
 * An entity tag of a resource with a version. Gateways that compress responses weaken tags (`W/"3-x"`) or extend them
 * (`"3-x-gzip"`): the version stays the same.
 */
const versionedTag = /^(?:W\/)?"([1-9]\d{0,9})-[^"]*"$/;

/**
 * Whether a list of entity tags names a version; `*` names any. Only the version part of a tag counts, because each
 * booking changes the rest. A tag that this service did not create names no version.
 */
export function isVersionNamed(tags: string, version: number): boolean {
  if (tags.trim() === "*") return true;
  return entityTags(tags).some((tag) => Number(versionedTag.exec(tag)?.[1]) === version);
}

/** The members of a list of entity tags. A tag may hold commas between its quotes (RFC 9110, 8.8.3). */
export function entityTags(list: string): string[] {
  return (list.match(/(?:"[^"]*"|[^,"])+/g) ?? []).map((tag) => tag.trim());
}

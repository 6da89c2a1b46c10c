/** What a call's headers demand of the version of what it changes: If-Match and If-None-Match of RFC 9110, 13.1. */
import type { HandlerContext } from "@connectrpc/connect";
import type { Precondition } from "../domain/change.ts";
import type { BrokenPrecondition } from "../domain/failure.ts";

/** The precondition in a call's headers. */
export function preconditionOf({ requestHeader }: Pick<HandlerContext, "requestHeader">): Precondition {
  const ifMatch = requestHeader.get("If-Match");
  const ifNoneMatch = requestHeader.get("If-None-Match");
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
 * booking changes the rest. What is no tag of ours names nothing.
 */
export function isVersionNamed(tags: string, version: number): boolean {
  if (tags.trim() === "*") return true;
  return entityTags(tags).some((tag) => Number(versionedTag.exec(tag)?.[1]) === version);
}

/** The members of a list of entity tags. A tag may hold commas between its quotes (RFC 9110, 8.8.3). */
export function entityTags(list: string): string[] {
  return (list.match(/(?:"[^"]*"|[^,"])+/g) ?? []).map((tag) => tag.trim());
}

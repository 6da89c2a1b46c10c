import { hash } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import { entityTags, isVersionNamed } from "../rpc/preconditions.ts";

/**
 * The entity tag of a response: `"<version>-<hash>"` where the resource has a version, else `"<hash>"`. The hash is equal
 * for equal bytes, whichever process answers.
 */
export function etagOf(body: string | Uint8Array, version: number | undefined): string {
  const digest = hash("sha1", body, "base64url");
  return version === undefined ? `"${digest}"` : `"${version}-${digest}"`;
}

/** The version of a resource: the field `version` of its message; undefined for a message without one. */
export function versionOf(message: Message): number | undefined {
  return "version" in message && typeof message.version === "number" ? message.version : undefined;
}

/** Whether a request's If-None-Match names the tag, so that the client has the answer already (RFC 9110, 13.1.2). */
export function isNotModified(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return entityTags(ifNoneMatch).some((tag) => tag.replace(/^W\//, "") === etag);
}

/** Whether a read's If-Match allows the response (RFC 9110, 13.1.1). A version alone decides where there is one. */
export function isMatch(ifMatch: string | undefined, etag: string, version: number | undefined): boolean {
  if (ifMatch === undefined || ifMatch.trim() === "*") return true;
  if (version !== undefined) return isVersionNamed(ifMatch, version);
  return entityTags(ifMatch).includes(etag);
}

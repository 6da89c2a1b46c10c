/** ETag, If-Match and If-None-Match (RFC 9110, 8.8.3 and 13). */
import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { entityTags, isVersionNamed } from "../rpc/request-headers.ts";
import { connectErrorOf } from "../rpc/status.ts";
import { refusal } from "./http-errors.ts";

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

/** Whether a read's If-Match allows the response (RFC 9110, 13.1.1). A version alone decides where there is one. */
export function isMatch({ "if-match": tags }: IncomingHttpHeaders, etag: string, version: number | undefined): boolean {
  if (tags === undefined || tags.trim() === "*") return true;
  if (version !== undefined) return isVersionNamed(tags, version);
  return entityTags(tags).includes(etag);
}

/** Whether a request's If-None-Match names the tag, so that the client has the response already (RFC 9110, 13.1.2). */
export function isNotModified({ "if-none-match": tags }: IncomingHttpHeaders, etag: string): boolean {
  if (tags === undefined) return false;
  if (tags.trim() === "*") return true;
  return entityTags(tags).some((tag) => tag.replace(/^W\//, "") === etag);
}

/**
 * Refuses a change under an If-Match that nothing compares: to ignore the header would be to change what the client wanted
 * left alone. A method whose request has a `version` compares it under the resource's lock. It has to be the innermost
 * interceptor, because a condition counts only where the request would succeed without it (RFC 9110, 13.2.1).
 */
export const refuseUncompared: Interceptor = (next) => (request) => {
  const isRead = request.requestMethod === "GET" || request.requestMethod === "HEAD";
  const isCompared = isRead || "version" in request.method.input.field;
  if (!isCompared && request.header.has("if-match")) throw connectErrorOf(notCompared);
  return next(request);
};

const notCompared = refusal(
  "PRECONDITION_FAILED",
  "this method cannot be called under the condition of the header If-Match",
);

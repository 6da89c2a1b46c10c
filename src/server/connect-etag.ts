/** ETags of Connect GET, as REST has them. */
import { createContextKey, type Interceptor } from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { FastifyRequest } from "fastify";
import { connectErrorOf } from "../rpc/status.ts";
import { yieldOnce } from "./connect/workarounds.ts";
import { etagOf, isMatch, isNotModified, versionOf } from "./etag.ts";
import { httpStatusOf, preconditionFailed } from "./problem.ts";

const versionKey = createContextKey<number | undefined>(undefined, { description: "the version of the response" });

/** Notes the version of a read's response, because its bytes do not show it. */
export const noteVersion: Interceptor = (next) => async (request) => {
  const response = await next(request);
  const isRead = request.requestMethod === "GET";
  if (isRead && !response.stream) request.contextValues.set(versionKey, versionOf(response.message));
  return response;
};

/** The response to a Connect GET with its ETag; without its body if the client has it. An error for a failed If-Match. */
export async function tagged(
  called: UniversalServerResponse,
  request: Pick<FastifyRequest, "headers">,
  { contextValues }: Pick<UniversalServerRequest, "contextValues">,
): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of called.body ?? []) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const version = contextValues?.get(versionKey);
  const etag = etagOf(body, version);
  if (!isMatch(request.headers["if-match"], etag, version)) return refuse(called);
  const header = new Headers(called.header);
  header.set("etag", etag);
  if (!isNotModified(request.headers["if-none-match"], etag)) return { ...called, header, body: yieldOnce(body) };
  for (const name of ["content-type", "content-length", "content-encoding"]) header.delete(name);
  return { ...called, status: 304, header, body: yieldOnce(new Uint8Array()) };
}

/** As Connect writes errors, so that its clients can read it; the status is that of REST. */
function refuse(called: UniversalServerResponse): UniversalServerResponse {
  const body = errorToJsonBytes(connectErrorOf(preconditionFailed), undefined);
  const header = new Headers(called.header);
  for (const name of ["content-length", "content-encoding"]) header.delete(name);
  header.set("content-type", "application/json");
  header.set("cache-control", "no-store");
  return { ...called, status: httpStatusOf(preconditionFailed), header, body: yieldOnce(body) };
}

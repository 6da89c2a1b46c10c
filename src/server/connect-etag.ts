/** ETags of Connect GET, as REST has them. */
import { createContextKey, type Interceptor } from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { FastifyRequest } from "fastify";
import { yieldOnce } from "./connect-faults.ts";
import { etagOf, isMatch, isNotModified, versionOf } from "./etag.ts";
import { ProblemError, problemOfStatus } from "./problem.ts";

const versionKey = createContextKey<number | undefined>(undefined, { description: "the version of the response" });

/** Notes the version of a read's response, because its bytes do not show it. */
export const noteVersion: Interceptor = (next) => async (request) => {
  const response = await next(request);
  const isRead = request.requestMethod === "GET";
  if (isRead && !response.stream) request.contextValues.set(versionKey, versionOf(response.message));
  return response;
};

/** The response to a Connect GET with its ETag; without its body if the client has it. Throws a ProblemError for 412. */
export async function tagged(
  called: UniversalServerResponse,
  request: FastifyRequest,
  { contextValues }: Pick<UniversalServerRequest, "contextValues">,
): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of called.body ?? []) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const version = contextValues?.get(versionKey);
  const etag = etagOf(body, version);
  if (!isMatch(request.headers["if-match"], etag, version)) throw new ProblemError(problemOfStatus(412));
  const header = new Headers(called.header);
  header.set("etag", etag);
  if (!isNotModified(request.headers["if-none-match"], etag)) return { ...called, header, body: yieldOnce(body) };
  for (const name of ["content-type", "content-length", "content-encoding"]) header.delete(name);
  return { ...called, status: 304, header, body: yieldOnce(new Uint8Array()) };
}

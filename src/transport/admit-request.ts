/** Counts requests that call no method: nothing else limits how many of them a client makes. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Admit } from "../rpc/admission.ts";
import { applyResponseHeaders, createCallContext } from "../rpc/call-context.ts";
import { HttpError, statusOfError } from "./http-errors.ts";
import { arrivalOf, readHeaders } from "./request.ts";
import { setHeaders } from "./unary.ts";

/** Says in the response what is left of the caller's limit. Throws an HttpError for a request that is refused. */
export async function admitRequest(request: FastifyRequest, reply: FastifyReply, admit: Admit): Promise<void> {
  const values = createCallContext(arrivalOf(request, "rest"));
  try {
    await admit(readHeaders(request.headers), values);
  } catch (error) {
    const status = statusOfError(error);
    const { retryMs } = status;
    const retry = retryMs === undefined ? {} : { "retry-after": String(Math.ceil(retryMs / 1_000)) };
    throw new HttpError({ ...status, headers: { ...status.headers, ...retry } });
  } finally {
    const headers = new Headers();
    applyResponseHeaders(values, headers);
    setHeaders(reply, headers);
  }
}

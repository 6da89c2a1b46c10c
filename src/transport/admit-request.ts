/** Counts requests that call no method: nothing else limits how many of them a client makes. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { DomainError } from "../domain/failure.ts";
import type { Admit } from "../rpc/admission.ts";
import { applyResponseHeaders, createCallContext } from "../rpc/call-context.ts";
import { HttpError, statusOfError } from "./http-errors.ts";
import { arrivalOf, readHeaders } from "./request.ts";
import { setHeaders } from "./unary.ts";

interface AdmitOptions {
  readonly admit: Admit;
  readonly protocol: "rest" | "mcp";
  /** The WWW-Authenticate of a refusal; that of its status if it is not given or returns undefined. */
  readonly challengeOf?: (error: DomainError) => string | undefined;
}

/** Says in the response what is left of the caller's limit. Throws an HttpError for a request that is refused. */
export async function admitRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  { admit, protocol, challengeOf }: AdmitOptions,
): Promise<void> {
  const values = createCallContext(arrivalOf(request, protocol));
  try {
    await admit(readHeaders(request.headers), values);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const status = statusOfError(error);
    const { retryMs } = status;
    const challenge = challengeOf?.(error);
    const headers = {
      ...status.headers,
      ...(challenge !== undefined && { "www-authenticate": challenge }),
      ...(retryMs !== undefined && { "retry-after": String(Math.ceil(retryMs / 1_000)) }),
    };
    throw new HttpError({ ...status, headers });
  } finally {
    const headers = new Headers();
    applyResponseHeaders(values, headers);
    setHeaders(reply, headers);
  }
}

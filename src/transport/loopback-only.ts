/**
 * Keeps the pages of other sites out of a service that checks no tokens and listens on loopback for that reason. A browser
 * on the machine reaches it for any page: by a cross-origin request, or by a name that the page's own DNS server resolves to
 * 127.0.0.1 (DNS rebinding), which the browser takes for the same origin.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { loopbackAuthority } from "../domain/address.ts";
import { shortValue } from "../domain/short-text.ts";
import type { ReasonName } from "../rpc/reasons.ts";
import { HttpError, refusal } from "./http-errors.ts";

const loopbackOrigin = /^https?:\/\/([^/]*)$/i;

const remedy = "with APP_AUTH_MODE unset or dev, the service takes calls for localhost, 127.0.0.0/8 and [::1] only";

/** Refuses every request, preflights as well, that names another host than this machine in Host, :authority or Origin. */
export function allowLoopbackOnly(fastify: FastifyInstance): void {
  fastify.addHook("onRequest", (request, _reply, done) => done(refusalOf(request)));
}

function refusalOf({ headers }: FastifyRequest): HttpError | undefined {
  const { host, ":authority": authority, origin } = headers;
  for (const name of [host, authority]) {
    // No browser leaves it out.
    if (name === undefined || name === "" || loopbackAuthority.test(String(name))) continue;
    return refuse("HOST_NOT_ALLOWED", `the host ${shortValue(String(name))} is not this machine: ${remedy}`);
  }
  if (origin === undefined || loopbackAuthority.test(loopbackOrigin.exec(origin)?.[1] ?? "")) return undefined;
  return refuse("ORIGIN_NOT_ALLOWED", `the origin ${shortValue(origin)} is not this machine: ${remedy}`);
}

function refuse(reason: ReasonName, detail: string): HttpError {
  return new HttpError(refusal(reason, detail));
}

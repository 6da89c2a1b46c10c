/** Prepares X-Forwarded-For for Fastify, which compares its elements with the trusted proxies as they are written. */
import type { FastifyInstance } from "fastify";
import { bareAddress } from "../domain/address.ts";

/** Cleans the header of every request before Fastify reads the address from it. */
export function cleanForwardedFor(fastify: FastifyInstance): void {
  fastify.addHook("onRequest", ({ raw: { headers } }, _reply, done) => {
    const sent = headers["x-forwarded-for"];
    if (sent !== undefined) headers["x-forwarded-for"] = knownHops(String(sent));
    done();
  });
}

/**
 * The hops without the ports that some proxies append. What is no address ends the chain: neither it nor what stands
 * before it is known, so that the client is the hop after it.
 */
export function knownHops(header: string): string {
  const known: string[] = [];
  for (const element of header.split(",").reverse()) {
    const text = element.trim();
    if (text === "") continue;
    const address = bareAddress(text);
    if (address === undefined) break;
    known.unshift(address);
  }
  return known.join(", ");
}

/** What a response depends on besides its URL. */
import type { FastifyReply } from "fastify";

/**
 * Sets Vary to all that hooks (as for CORS), the handler and the protocol name. The response to a GET, which caches keep, may
 * be compressed for the client.
 *
 * To report: "The response to a GET lacks Vary: Accept-Encoding", and of connect-fastify: "A header that a handler sets
 * replaces that of Fastify's hooks, also Vary, which is a list."
 */
export function joinVary(header: Headers, reply: FastifyReply): void {
  const ofHooks = reply.getHeader("vary");
  const ofHandler = header.get("vary");
  const isGet = reply.request.method === "GET";
  if (!isGet && (ofHooks === undefined || ofHandler === null)) return;
  const lists = [ofHooks ?? "", ofHandler ?? "", isGet ? "Accept-Encoding" : ""];
  const names = lists.flatMap((list) => String(list).split(",")).map((name) => name.trim());
  const byName = new Map(names.filter((name) => name !== "").map((name) => [name.toLowerCase(), name]));
  header.set("vary", [...byName.values()].join(", "));
}

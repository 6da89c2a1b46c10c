/** The query of a Connect GET, which holds what a POST has in its headers and its body. */
import type { FastifyRequest } from "fastify";

const queries = new WeakMap<FastifyRequest, URLSearchParams>();

/** The parameters of a request's query, which is read once. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  const known = queries.get(request);
  if (known) return known;
  const [, query = ""] = /\?(.*)/s.exec(request.url) ?? [];
  const parameters = new URLSearchParams(query);
  queries.set(request, parameters);
  return parameters;
}

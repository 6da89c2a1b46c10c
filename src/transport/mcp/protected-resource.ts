/**
 * How a client finds out where to get a token: the metadata of the protected resource (RFC 9728), and the challenge that
 * names it.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { httpError, statusOfError } from "../http-errors.ts";

/** The part of the authentication's settings that clients may know. */
export interface ResourceAuth {
  readonly mode: "none" | "dev" | "jwt";
  readonly issuer?: string;
}

/** The path of the metadata, and with the path of the resource after it, by which it is found (RFC 9728, 3.1). */
const metadataPath = "/.well-known/oauth-protected-resource";

interface Challenge {
  readonly status: 401 | 403;
  /** The value of WWW-Authenticate. */
  readonly header: string;
}

export interface ProtectedResource {
  /**
   * The challenge by which a client learns that it needs a token, or one with another scope of the tools. Undefined for an
   * error that no such token prevents.
   */
  challengeOf(request: FastifyRequest, error: unknown): Challenge | undefined;
}

/** Serves the metadata of the resource at `path`. `scopes` are those of its tools. Undefined if no tokens are verified. */
export function registerProtectedResource(
  fastify: FastifyInstance,
  auth: ResourceAuth,
  { path, scopes }: { readonly path: string; readonly scopes: readonly string[] },
): ProtectedResource | undefined {
  if (auth.mode === "none") return undefined;
  // A client refuses metadata of another resource than the one that its URL was made of (RFC 9728, 3.3).
  for (const resourcePath of ["", path]) {
    fastify.get(`${metadataPath}${resourcePath}`, (request, reply) => {
      const origin = publicOriginOf(request);
      if (origin === undefined) throw httpError(400, "the request names no host");
      reply.header("cache-control", "no-store");
      return reply.send({
        resource: `${origin}${resourcePath}`,
        ...(auth.issuer !== undefined && isHttpUrl(auth.issuer) && { authorization_servers: [auth.issuer] }),
        scopes_supported: scopes,
        bearer_methods_supported: ["header"],
        resource_name: "Frontrow",
      });
    });
  }
  return {
    challengeOf(request, error) {
      const { reason, metadata, headers } = statusOfError(error);
      const status = reason === "UNAUTHENTICATED" ? 401 : 403;
      const isAboutScope = reason === "MISSING_SCOPE" && scopes.includes(metadata.scope ?? "");
      if (status === 403 && !isAboutScope) return undefined;
      const origin = publicOriginOf(request);
      const parameters = [
        // RFC 6750, 3: a challenge about a scope has it already.
        ...(status === 401 ? [`scope="${scopes.join(" ")}"`] : []),
        ...(origin === undefined ? [] : [`resource_metadata="${origin}${metadataPath}${path}"`]),
      ].join(", ");
      const given = headers?.["www-authenticate"] ?? "Bearer";
      return { status, header: `${given}${given === "Bearer" ? "" : ","} ${parameters}` };
    },
  };
}

/** Scheme and host as the client sees them: behind a trusted proxy those of X-Forwarded-Proto and X-Forwarded-Host. */
function publicOriginOf({ protocol, host }: FastifyRequest): string | undefined {
  // The text is a client's, and is quoted in a header.
  if (!/^[\w.:[\]-]+$/.test(host)) return undefined;
  return URL.parse(`${protocol === "https" ? "https" : "http"}://${host}`)?.origin;
}

function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? "");
}

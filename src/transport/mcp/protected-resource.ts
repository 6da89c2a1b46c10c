/**
 * How a client finds out where to get a token: the metadata of the protected resource (RFC 9728), and the challenge that
 * names it.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { statusOfError } from "../http-errors.ts";

/** The part of the authentication's settings that clients may know. */
export interface ResourceAuth {
  readonly mode: "none" | "dev" | "jwt";
  readonly issuer?: string;
  readonly audience?: string;
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
  for (const url of [metadataPath, `${metadataPath}${path}`]) {
    fastify.get(url, (request, reply) => {
      const resource = resourceOf(request, path, auth.audience);
      reply.header("cache-control", "no-store");
      return reply.send({
        resource,
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

/**
 * The identifier that clients request tokens for, so that it must be what the tokens' `aud` is compared with: the audience if
 * it is a URL of this host under which the path is, else the URL of the path.
 */
function resourceOf(request: FastifyRequest, path: string, audience: string | undefined): string {
  const origin = publicOriginOf(request) ?? "";
  const url = `${origin}${path}`;
  const isOurs = audience !== undefined && isHttpUrl(audience) && `${url}/`.startsWith(audience.replace(/\/*$/, "/"));
  return isOurs ? audience : url;
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

/** An authorization server for clients that find it by the service's metadata: it issues tokens for their credentials. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TokenIssuer } from "./tokens.ts";

export interface AuthorizationServer extends AsyncDisposable {
  readonly issuer: string;
  /** The parameters of each request for a token. */
  readonly requests: readonly Readonly<Record<string, string>>[];
}

/** Starts a server whose tokens are of the subject that asks for them, and have the scopes that it asks for. */
export async function startAuthorizationServer({ sign }: TokenIssuer): Promise<AuthorizationServer> {
  const requests: Record<string, string>[] = [];
  const server = createServer(async (request, response) => {
    const answer = (body: object) =>
      void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.url === "/token") {
      const chunks = await request.toArray();
      const { scope = "", ...others } = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      requests.push({ scope, ...others });
      const [sub] = Buffer.from(request.headers.authorization?.split(" ")[1] ?? "", "base64")
        .toString()
        .split(":");
      const token = await sign({ sub, scope, iss: issuer });
      return answer({ access_token: token, token_type: "Bearer", expires_in: 3_600, scope });
    }
    if (!request.url?.startsWith("/.well-known/oauth-authorization-server")) return void response.writeHead(404).end();
    answer({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      response_types_supported: ["code"],
      grant_types_supported: ["client_credentials"],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
      code_challenge_methods_supported: ["S256"],
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** How callers are authenticated, by the configured mode. */
import type { Publish } from "../domain/publish.ts";
import { devRules, devVerificationKey } from "./dev-key.ts";
import type { AuthEvents } from "./events.ts";
import { keyFromPem, keysFromUrl } from "./jwks.ts";
import { createTokenVerifier, type TokenRules, type TokenVerifier } from "./tokens.ts";

type AuthOptions =
  | { readonly mode: "none" }
  /** Tokens signed with the key in the data folder. */
  | { readonly mode: "dev" }
  /** Tokens of an identity provider. */
  | (TokenRules & { readonly mode: "jwt"; readonly keys: { readonly url: URL } | { readonly pem: string } });

/** Creates the verifier of tokens; undefined in the mode `none`. Rejects with a TokenKeyError if a key cannot be used. */
export async function openTokenVerifier(
  auth: AuthOptions,
  dataDir: string,
  publish: Publish<AuthEvents>,
): Promise<TokenVerifier | undefined> {
  switch (auth.mode) {
    case "none":
      return undefined;
    case "dev":
      return createTokenVerifier(devRules, await devVerificationKey(dataDir), publish);
    case "jwt": {
      const { keys, algorithms } = auth;
      const keyFor = "url" in keys ? keysFromUrl(keys.url, publish) : await keyFromPem(keys.pem, algorithms);
      return createTokenVerifier(auth, keyFor, publish);
    }
  }
}

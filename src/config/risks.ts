/** Settings that are allowed, and together leave a gap which an operator should know of. */

import { loopbackHost } from "../domain/address.ts";
import type { AuthConfig } from "./choose-auth.ts";

interface Risky {
  readonly auth: AuthConfig;
  readonly rateLimits: { readonly callersPerAddress: number };
}

/** A sentence for the log about each of them. */
export function risksOf({ auth, rateLimits }: Risky): string[] {
  if (auth.mode !== "jwt") return [];
  return [
    ...(rateLimits.callersPerAddress === 0
      ? ["APP_RATE_LIMIT_ADDRESS_FACTOR is 0: nothing limits strangers, nor how many bad tokens are tried"]
      : []),
    ...("url" in auth.keys && isOverheard(auth.keys.url)
      ? ["APP_AUTH_JWKS_URL is not https: whoever is on the way there can put keys of their own into the answer"]
      : []),
  ];
}

function isOverheard({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && !loopbackHost.test(hostname.replaceAll(/[[\]]/g, ""));
}

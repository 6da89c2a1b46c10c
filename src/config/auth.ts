import { loopbackHost } from "../domain/address.ts";
import { auth, fields, rateLimits, type ValuesOf } from "./schema.ts";
import type { Values } from "./sources.ts";

/** How callers are authenticated: not at all, by tokens signed with a local key, or by tokens of an issuer. */
export type AuthConfig = { readonly mode: "none" } | { readonly mode: "dev" } | JwtAuth;

interface JwtAuth extends ValuesOf<Pick<typeof auth, "algorithms" | "clockToleranceMs" | "scopeClaims">> {
  readonly mode: "jwt";
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly keys: { readonly url: URL } | { readonly pem: string };
}

interface AuthChoice {
  readonly auth: AuthConfig;
  readonly problems: readonly string[];
  /** Combinations that are allowed, and in which a setting has no effect or leaves a risk. */
  readonly warnings: readonly string[];
}

/** Chooses how callers are authenticated. */
export function chooseAuth(values: Values): AuthChoice {
  const { mode, issuer = "", audiences = [], jwksUrl: url, publicKey: pem = "", ...rules } = values.of(auth);
  if (mode !== "jwt") {
    const unused = values.namesOf([auth.issuer, auth.audiences, auth.jwksUrl, auth.publicKey]);
    const warnings = unused.map((name) => `${name} is ignored: it applies with APP_AUTH_MODE=jwt only`);
    return { auth: { mode }, problems: [], warnings };
  }
  const problems = [
    issuer === "" && "APP_AUTH_ISSUER is missing: APP_AUTH_MODE=jwt accepts the tokens of one issuer",
    audiences.length === 0 && "APP_AUTH_AUDIENCE is missing: tokens for other services must not be accepted here",
    (url === undefined) === (pem === "") &&
      "set one of APP_AUTH_JWKS_URL and APP_AUTH_PUBLIC_KEY: APP_AUTH_MODE=jwt checks tokens with the issuer's key",
  ];
  const warnings = [
    values.get(rateLimits.callersPerAddress) === 0 &&
      "APP_RATE_LIMIT_ADDRESS_FACTOR is 0: nothing limits unauthenticated calls, nor how many bad tokens are tried",
    url &&
      isInterceptable(url) &&
      "APP_AUTH_JWKS_URL is not https: an attacker on the network path can replace the keys",
  ];
  return {
    auth: { mode, issuer, audiences, ...rules, keys: url ? { url } : { pem } },
    problems: problems.filter((problem) => problem !== false),
    warnings: warnings.filter((warning) => typeof warning === "string"),
  };
}

function isInterceptable({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && !loopbackHost.test(hostname.replaceAll(/[[\]]/g, ""));
}

const reasons = {
  none: "listening on loopback only: any client can act as any user until APP_AUTH_MODE is set",
  dev: "listening on loopback only: with APP_AUTH_MODE=dev a reader of the key in APP_DATA_DIR can act as any user",
};

interface HostChoice {
  /** The address to listen on. */
  readonly host: string;
  /** Why it must be a loopback address. Undefined if it may be any. */
  readonly whyLoopback: string | undefined;
  readonly warnings: readonly string[];
}

/** Chooses the address that is safe to listen on. */
export function chooseHost(values: Values): HostChoice {
  const mode = values.get(auth.mode);
  const asked = values.get(fields.host);
  if (mode === "jwt" || (mode === "none" && values.nameOf(auth.mode) !== undefined)) {
    return { host: asked, whyLoopback: undefined, warnings: [] };
  }
  const whyLoopback = reasons[mode];
  if (loopbackHost.test(asked)) return { host: asked, whyLoopback, warnings: [] };
  const name = values.nameOf(fields.host);
  return { host: "127.0.0.1", whyLoopback, warnings: name === undefined ? [] : [`${name} is ignored: ${whyLoopback}`] };
}

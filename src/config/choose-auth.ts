import { loopbackHost } from "../domain/address.ts";
import { createLookup } from "./lookup.ts";
import { settings } from "./settings.ts";
import type { Given } from "./sources.ts";

/** How callers say who they are. */
export type AuthConfig = NoAuth | DevAuth | JwtAuth;

/** Whoever a request says it is from, it is from. */
export interface NoAuth {
  readonly mode: "none";
}

/** Tokens signed with a key of the service's own. */
export interface DevAuth {
  readonly mode: "dev";
}

/** Tokens that somebody else signs. */
export interface JwtAuth {
  readonly mode: "jwt";
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly clockToleranceMs: number;
  readonly scopeClaims: readonly string[];
  readonly keys: { readonly url: URL } | { readonly pem: string };
}

const loopback = "127.0.0.1";

/** Decides who callers are by, and which address is safe to listen on then. */
export function chooseAuth(given: readonly Given[]): {
  auth: AuthConfig;
  host: string;
  /** Why it is a loopback address, unless it may be any. */
  whyLoopback: string | undefined;
  problems: readonly string[];
  warnings: readonly string[];
} {
  const { value, given: find } = createLookup(given);
  const mode = value(settings.authMode);
  const asked = value(settings.host);
  const isOpen = mode === "jwt" || (mode === "none" && find(settings.authMode) !== undefined);
  const host = isOpen || loopbackHost.test(asked) ? asked : loopback;
  const overruled = host === asked ? undefined : find(settings.host);
  const whyLoopback = isOpen ? undefined : reasons[mode];
  const warnings = [
    ...(overruled ? [`${overruled.name} is ignored: ${whyLoopback}`] : []),
    ...(mode === "jwt" ? [] : unusedSettings.flatMap((setting) => warnOfUnused(find(setting)?.name))),
  ];
  const { auth, problems } = mode === "jwt" ? chooseJwt(given) : { auth: { mode }, problems: [] };
  return { auth, host, whyLoopback, problems, warnings };
}

const reasons: Readonly<Record<AuthConfig["mode"], string | undefined>> = {
  none: "listening on loopback only: callers are believed whoever they say they are, until APP_AUTH_MODE is set",
  dev: "listening on loopback only: with APP_AUTH_MODE=dev whoever can read the key in APP_DATA_DIR can be anybody",
  jwt: undefined,
};

/** Whoever sets one of these may have forgotten the mode. */
const unusedSettings = [settings.authIssuer, settings.authAudience, settings.authJwksUrl, settings.authPublicKey];

function warnOfUnused(name: string | undefined): string[] {
  return name === undefined ? [] : [`${name} is ignored: it counts with APP_AUTH_MODE=jwt only`];
}

function chooseJwt(given: readonly Given[]): { auth: AuthConfig; problems: readonly string[] } {
  const { value, optional } = createLookup(given);
  const issuer = optional(settings.authIssuer);
  const audience = optional(settings.authAudience);
  const url = optional(settings.authJwksUrl);
  const pem = optional(settings.authPublicKey);
  const problems = [
    ...(issuer === undefined ? ["APP_AUTH_ISSUER is missing: APP_AUTH_MODE=jwt takes the tokens of one issuer"] : []),
    ...(audience === undefined ? ["APP_AUTH_AUDIENCE is missing: tokens for other services must not count here"] : []),
    ...((url === undefined) === (pem === undefined)
      ? ["set one of APP_AUTH_JWKS_URL and APP_AUTH_PUBLIC_KEY: APP_AUTH_MODE=jwt checks tokens with the issuer's key"]
      : []),
  ];
  const keys = url === undefined ? { pem: pem ?? "" } : { url };
  return {
    auth: {
      mode: "jwt",
      issuer: issuer ?? "",
      audience: audience ?? "",
      algorithms: value(settings.authAlgorithms),
      clockToleranceMs: value(settings.authClockTolerance),
      scopeClaims: value(settings.authScopeClaim),
      keys,
    },
    problems,
  };
}

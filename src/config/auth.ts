import { loopbackHost } from "../domain/address.ts";
import { auth, fields, type ValuesOf } from "./schema.ts";
import type { Values } from "./sources.ts";

/** How callers are authenticated: not at all, by tokens signed with a local key, or by tokens of an issuer. */
export type AuthConfig = { readonly mode: "none" } | { readonly mode: "dev" } | JwtAuth;

type Rules = ValuesOf<Pick<typeof auth, "algorithms" | "clockToleranceMs" | "scopeClaims">>;

export interface JwtAuth extends Rules {
  readonly mode: "jwt";
  readonly issuer: string;
  readonly audience: string;
  readonly keys: { readonly url: URL } | { readonly pem: string };
}

export interface AuthChoice {
  readonly auth: AuthConfig;
  /** The address to listen on. */
  readonly host: string;
  /** Why it must be a loopback address. Undefined if it may be any. */
  readonly whyLoopback: string | undefined;
  readonly problems: readonly string[];
}

const reasons = {
  none: "listening on loopback only: any client can act as any user until APP_AUTH_MODE is set",
  dev: "listening on loopback only: with APP_AUTH_MODE=dev a reader of the key in APP_DATA_DIR can act as any user",
};

/** Chooses how callers are authenticated, and the address that is safe to listen on. */
export function chooseAuth(values: Values): AuthChoice {
  const mode = values.get(auth.mode);
  const asked = values.get(fields.host);
  const isOpen = mode === "jwt" || (mode === "none" && values.nameOf(auth.mode) !== undefined);
  const host = isOpen || loopbackHost.test(asked) ? asked : "127.0.0.1";
  const whyLoopback = isOpen ? undefined : reasons[mode];
  if (mode === "jwt") return { ...chooseJwt(values), host, whyLoopback };
  return { auth: { mode }, problems: [], host, whyLoopback };
}

function chooseJwt(values: Values): { auth: AuthConfig; problems: readonly string[] } {
  const { mode, issuer = "", audience = "", jwksUrl: url, publicKey: pem = "", ...rules } = values.of(auth);
  const problems = [
    issuer === "" && "APP_AUTH_ISSUER is missing: APP_AUTH_MODE=jwt accepts the tokens of one issuer",
    audience === "" && "APP_AUTH_AUDIENCE is missing: tokens for other services must not be accepted here",
    (url === undefined) === (pem === "") &&
      "set one of APP_AUTH_JWKS_URL and APP_AUTH_PUBLIC_KEY: APP_AUTH_MODE=jwt checks tokens with the issuer's key",
  ];
  return {
    auth: { mode: "jwt", issuer, audience, ...rules, keys: url ? { url } : { pem } },
    problems: problems.filter((problem) => problem !== false),
  };
}

/** The callers of the permission matrix, and how each of their refusals is answered: by hand. */

import { allScopes, bearer, nowSeconds, type TokenIssuer } from "../auth/tokens.ts";
import type { CallExchange } from "../protocols/call-once.ts";
import type { Protocol } from "../protocols/protocols.ts";
import { type ExpectedRefusal, isToolChallenge, toolScopes } from "./expected-answers.ts";

/** A caller without a token, and the callers with a good one. */
export type Caller = "anonymous" | "nora" | "otto" | "organizer" | "admin" | "reader" | "writer" | "shop";

/** What is wrong with the credentials of the other callers, whose calls of every method are refused. */
export const badCredentials = {
  expired: "late",
  issuer: "iss",
  audience: "aud",
  junk: "bad",
  basic: "scheme",
} as const;
export type BadCaller = keyof typeof badCredentials;

/** The user that a caller's token names. */
export const subjects: Readonly<Record<Caller, string>> = {
  ...{ anonymous: "", nora: "nora", otto: "otto", organizer: "olga", admin: "ada", reader: "nora", writer: "nora" },
  shop: "shop",
};

export type CallerHeaders = Readonly<Record<Caller | BadCaller, Readonly<Record<string, string>>>>;

/** The headers that each caller sends. The bad tokens would allow everything if they were good. */
export async function callerHeaders({ sign }: TokenIssuer): Promise<CallerHeaders> {
  const having = async (sub: string, scope: string, claims = {}) => bearer(await sign({ sub, scope, ...claims }));
  return {
    anonymous: {},
    nora: await having("nora", "bookings:read bookings:write"),
    otto: await having("otto", "bookings:write bookings:read"),
    organizer: await having("olga", "concerts:write"),
    admin: await having("ada", "bookings:admin"),
    reader: await having("nora", "bookings:read"),
    writer: await having("nora", "bookings:write"),
    shop: await having("shop", "bookings:confirm"),
    expired: await having("nora", allScopes, { iat: nowSeconds() - 7_200, exp: nowSeconds() - 3_600 }),
    issuer: await having("nora", allScopes, { iss: "https://issuer.example.org" }),
    audience: await having("nora", allScopes, { aud: "another-service" }),
    junk: bearer("junk"),
    basic: { authorization: `Basic ${Buffer.from("nora:secret").toString("base64")}` },
  };
}

const missingScope = (scope: string) => ({
  reason: "MISSING_SCOPE" as const,
  message: `this takes a token with the scope ${scope}`,
  metadata: { scope },
});
const missingScopeForOthers = (scope: string) => ({
  ...missingScope(scope),
  message: `the request is for another user: a caller may act only for itself, unless the token has the scope ${scope}`,
});
const unauthenticated = (message: string) => ({ reason: "UNAUTHENTICATED" as const, message });

/** The refusals, by the words that stand for them in the scenarios. */
export const refusals = {
  token: unauthenticated("this takes a bearer token, in the header Authorization"),
  scheme: unauthenticated("the header Authorization must be: Bearer and a token"),
  late: unauthenticated("the token has expired"),
  iss: unauthenticated("the token is from another issuer"),
  aud: unauthenticated("the token is for another service"),
  bad: unauthenticated("the token is not valid"),
  read: missingScope("bookings:read"),
  write: missingScope("bookings:write"),
  admin: missingScopeForOthers("bookings:admin"),
  confirm: missingScopeForOthers("bookings:confirm"),
  adminOnly: missingScope("bookings:admin"),
  confirmOnly: missingScope("bookings:confirm"),
  concerts: missingScope("concerts:write"),
  owner: { reason: "NOT_BOOKING_OWNER" as const, message: /^booking \d+ belongs to another user$/ },
  gone: { reason: "BOOKING_NOT_FOUND" as const, message: /^there is no booking \d+$/ },
} satisfies Record<string, ExpectedRefusal>;

export type RefusalWord = keyof typeof refusals;
export type Word = RefusalWord | "ok";

/** The header WWW-Authenticate of a refusal; null if a better token would not help. */
export function challengeFor(word: RefusalWord): string | null {
  const { reason, message, metadata } = refusals[word] as ExpectedRefusal;
  if (message === "this takes a bearer token, in the header Authorization") return "Bearer";
  if (reason === "UNAUTHENTICATED") return `Bearer error="invalid_token", error_description="${message}"`;
  if (reason === "MISSING_SCOPE") return `Bearer error="insufficient_scope", scope="${metadata?.scope}"`;
  return null;
}

/** The same in a response to a tool's call: it says where to find out how to get a token, and for what. */
export function toolChallengeFor(word: RefusalWord, baseUrl: string): string | null {
  const { reason, metadata } = refusals[word] as ExpectedRefusal;
  if (!isToolChallenge(reason, metadata)) return null;
  const scope = reason === "UNAUTHENTICATED" ? [`scope="${toolScopes.join(" ")}"`] : [];
  const resource = `resource_metadata="${baseUrl}/.well-known/oauth-protected-resource/mcp"`;
  return [challengeFor(word), ...scope, resource].join(", ").replace("Bearer,", "Bearer");
}

/** Whether the exchange has the HTTP headers of the error. gRPC-Web writes the error into its body. */
export function seesChallenge(protocol: Protocol, exchange: CallExchange | undefined): exchange is CallExchange {
  return exchange !== undefined && protocol !== "gRPC-Web";
}

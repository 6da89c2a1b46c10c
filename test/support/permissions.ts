/** The callers of the permission matrix, and what the plan says to each refusal of theirs: by hand. */
import type { Exchange } from "./exchange.ts";
import type { ExpectedRefusal } from "./expected-answers.ts";
import type { Protocol } from "./protocols.ts";
import { allScopes, bearer, nowSeconds, type TokenIssuer } from "./tokens.ts";

export const callers = [
  ...(["nobody", "nora", "otto", "organizer", "admin", "reader", "writer"] as const),
  ...(["expired", "issuer", "audience", "junk", "basic"] as const),
];
export type Caller = (typeof callers)[number];

/** The user whom a caller's token names. All but otto and those in office are nora, or try to be. */
export const subjects: Readonly<Record<Caller, string>> = {
  ...{ nobody: "", nora: "nora", otto: "otto", organizer: "olga", admin: "ada", reader: "nora", writer: "nora" },
  ...{ expired: "nora", issuer: "nora", audience: "nora", junk: "nora", basic: "nora" },
};

export type CallerHeaders = Readonly<Record<Caller, Readonly<Record<string, string>>>>;

/** The headers that each caller sends. The bad tokens would allow everything if they were good. */
export async function callerHeaders({ sign }: TokenIssuer): Promise<CallerHeaders> {
  const having = async (caller: Caller, scope: string, claims = {}) =>
    bearer(await sign({ sub: subjects[caller], scope, ...claims }));
  return {
    nobody: {},
    nora: await having("nora", "bookings:read bookings:write"),
    otto: await having("otto", "bookings:write bookings:read"),
    organizer: await having("organizer", "concerts:write"),
    admin: await having("admin", "bookings:admin"),
    reader: await having("reader", "bookings:read"),
    writer: await having("writer", "bookings:write"),
    expired: await having("expired", allScopes, { iat: nowSeconds() - 7_200, exp: nowSeconds() - 3_600 }),
    issuer: await having("issuer", allScopes, { iss: "https://issuer.example.org" }),
    audience: await having("audience", allScopes, { aud: "another-service" }),
    junk: bearer("junk"),
    basic: { authorization: `Basic ${Buffer.from("nora:secret").toString("base64")}` },
  };
}

const missingScope = (scope: string) => ({
  reason: "MISSING_SCOPE" as const,
  message: `this takes a token with the scope ${scope}`,
  metadata: { scope },
});
const unauthenticated = (message: string) => ({ reason: "UNAUTHENTICATED" as const, message });

/** The refusals by the words that stand for them in the table. */
export const refusals = {
  token: unauthenticated("this takes a bearer token, in the header Authorization"),
  scheme: unauthenticated("the header Authorization must be: Bearer and a token"),
  late: unauthenticated("the token has expired"),
  iss: unauthenticated("the token is from another issuer"),
  aud: unauthenticated("the token is for another service"),
  bad: unauthenticated("the token is not valid"),
  read: missingScope("bookings:read"),
  write: missingScope("bookings:write"),
  admin: {
    ...missingScope("bookings:admin"),
    message:
      "the request is for another user: a caller may act only for itself, unless the token has the scope bookings:admin",
  },
  concerts: missingScope("concerts:write"),
  owner: { reason: "NOT_BOOKING_OWNER" as const, message: /^booking \d+ belongs to another user$/ },
  gone: { reason: "BOOKING_NOT_FOUND" as const, message: /^there is no booking \d+$/ },
} satisfies Record<string, ExpectedRefusal>;

export type RefusalWord = keyof typeof refusals;
export type Word = RefusalWord | "ok";

/** What the answer says in the header WWW-Authenticate: null where a better token would not help. */
export function challengeFor(word: RefusalWord): string | null {
  const { reason, message, metadata } = refusals[word] as ExpectedRefusal;
  if (message === "this takes a bearer token, in the header Authorization") return "Bearer";
  if (reason === "UNAUTHENTICATED") return `Bearer error="invalid_token", error_description="${message}"`;
  if (reason === "MISSING_SCOPE") return `Bearer error="insufficient_scope", scope="${metadata?.scope}"`;
  return null;
}

/** The protocols whose answers are HTTP's own, and seen by the test. */
export function seesChallenge(protocol: Protocol, exchange: Exchange | undefined): exchange is Exchange {
  return exchange !== undefined && protocol !== "gRPC-Web";
}

/** The rows of a table in text: a label of one word or more, then a word for each caller. */
export function readTable(text: string): ReadonlyMap<string, Readonly<Record<Caller, Word>>> {
  const [head = "", ...lines] = text.trim().split("\n");
  const columns = head.trim().split(/\s+/);
  if (columns.join() !== callers.join()) throw new Error(`the table is for other callers: ${columns}`);
  return new Map(
    lines.map((line) => {
      const words = line.trim().split(/\s+/);
      const cells = words.slice(-callers.length);
      const wrong = cells.find((word) => word !== "ok" && !(word in refusals));
      if (wrong !== undefined) throw new Error(`a row of the table is wrong at ${wrong}: ${line}`);
      const label = words.slice(0, -callers.length).join(" ");
      return [label, Object.fromEntries(callers.map((caller, i) => [caller, cells[i]])) as Record<Caller, Word>];
    }),
  );
}

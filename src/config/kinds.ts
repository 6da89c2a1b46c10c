import { isIP } from "node:net";
import { parseDatabaseUrl } from "./database-url.ts";
import type { Parsed } from "./parsed.ts";
import { quote } from "./parsed.ts";

/** How the text of a setting becomes a value. `expects` names what is allowed, in the help and in errors. */
export interface Kind<T> {
  readonly expects: string;
  readonly parse: (text: string) => Parsed<T>;
  /** Whether a file may give a YAML list, which is read as its entries separated by commas. */
  readonly takesList?: boolean;
}

function kind<T>(expects: string, read: (text: string) => T | undefined): Kind<T> {
  return {
    expects,
    parse(text) {
      const value = read(text);
      return value === undefined ? { problem: `${quote(text)} is not ${expects}` } : { value };
    },
  };
}

/** A decimal whole number within limits, both included. */
export function integer(minimum: number, maximum: number): Kind<number> {
  return kind(`a whole number between ${minimum} and ${maximum}`, (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= minimum && value <= maximum ? value : undefined;
  });
}

/** One of a few words. */
export function choice<const Option extends string>(options: readonly Option[]): Kind<Option> {
  return kind(`one of ${options.join(", ")}`, (text) => options.find((option) => option === text));
}

export const boolean: Kind<boolean> = kind("true or false", (text) =>
  text === "true" ? true : text === "false" ? false : undefined,
);

const millisecondsPerUnit = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
]);
const maximumDurationMs = 10 * 60_000;

/** A length of time with its unit; the value is in milliseconds. */
export const duration = durationFrom(1, "1ms");
/** A duration that may also be none. */
export const pause = durationFrom(0, "0s");

function durationFrom(minimumMs: number, minimum: string): Kind<number> {
  return kind(`a duration from ${minimum} to 10m, such as 250ms, 10s or 1m`, (text) => {
    const [, amount, unit = ""] = /^(\d{1,9})(ms|s|m)$/.exec(text) ?? [];
    const milliseconds = Number(amount) * (millisecondsPerUnit.get(unit) ?? Number.NaN);
    return milliseconds >= minimumMs && milliseconds <= maximumDurationMs ? milliseconds : undefined;
  });
}

function matching(expects: string, pattern: RegExp): Kind<string> {
  return kind(expects, (text) => (pattern.test(text) ? text : undefined));
}

export const text = matching("text without control characters", /^\P{Cc}+$/u);
export const path = matching("a path without control characters", /^\P{Cc}+$/u);
export const bindAddress = matching("a host name or an IP address", /^[\w:][\w.:%-]*$/);
export const databaseHost = matching(
  "a host name, an IP address or an absolute socket folder",
  /^([\w:][\w.:%-]*|\/\P{Cc}*)$/u,
);

/** Text that no error may repeat. */
export const secret: Kind<string> = {
  expects: "text without control characters",
  parse: (value) =>
    /\p{Cc}/u.test(value) ? { problem: "has a control character in it; a line break at its end?" } : { value },
};

export const databaseUrl = {
  expects: "postgres://USERNAME:PASSWORD@HOST:PORT/NAME?sslmode=MODE",
  parse: parseDatabaseUrl,
} satisfies Kind<unknown>;

const originsExpected = "* or origins such as https://tickets.example.org, separated by commas";

/** Who may call from a browser: everyone (`*`) or the origins listed; the empty text is the empty list. */
export const origins: Kind<"*" | readonly string[]> = {
  ...kind(originsExpected, (list) => {
    if (list === "*") return "*";
    const entries = list === "" ? [] : list.split(",").map((entry) => entry.trim());
    return entries.every(isOrigin) ? entries : undefined;
  }),
  takesList: true,
};

/** Names of HTTP headers; the empty text is the empty list. */
export const headerNames: Kind<readonly string[]> = {
  ...kind("names of HTTP headers such as X-Tenant, separated by commas", (list) => {
    const entries = list === "" ? [] : list.split(",").map((entry) => entry.trim());
    return entries.every((entry) => /^[\w!#$%&'*+.^`|~-]{1,100}$/.test(entry) && entry !== "*") ? entries : undefined;
  }),
  takesList: true,
};

function isOrigin(entry: string): boolean {
  // A browser sends exactly what `origin` gives; anything else in the list (a path, a default port) would never match.
  return /^https?:/.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry;
}

/** A URL that something is fetched from. */
export const httpUrl: Kind<URL> = kind("an http or https URL", (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) && url.username === "" ? url : undefined;
});

/** A Redis server; the URL may hold a password, so that no error repeats it. */
export const redisUrl: Kind<string> = {
  expects: "redis://HOST:PORT or rediss://HOST:PORT",
  parse: (text) =>
    /^rediss?:\/\/[^\s/]+/.test(text) && URL.canParse(text)
      ? { value: text }
      : { problem: "is not redis://HOST:PORT or rediss://HOST:PORT" },
};

/** The PEM text of a public key, on several lines or with `\n` between them. */
export const publicKeyPem: Kind<string> = {
  expects: "a public key in PEM (BEGIN PUBLIC KEY)",
  parse(text) {
    const pem = text.replaceAll("\\n", "\n").trim();
    return /^-----BEGIN PUBLIC KEY-----\s[\w+/=\s]+-----END PUBLIC KEY-----$/.test(pem)
      ? { value: pem }
      : { problem: "is not a public key in PEM (BEGIN PUBLIC KEY)" };
  },
};

/** Signature algorithms with a key pair: with a shared secret, whoever can check a token could make one. */
export const signatureAlgorithms = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA"] as const),
];

export const algorithms: Kind<readonly string[]> = {
  ...kind("RS, PS or ES with 256, 384 or 512, or EdDSA, separated by commas", (list) => {
    const entries = list.split(",").map((entry) => entry.trim());
    return entries.every((entry) => signatureAlgorithms.some((known) => known === entry)) ? entries : undefined;
  }),
  takesList: true,
};

/** Names of a token's claims, in any characters but spaces and commas. */
export const claimNames: Kind<readonly string[]> = {
  ...kind("names of claims, separated by commas", (list) => {
    const entries = list.split(",").map((entry) => entry.trim());
    return entries.every((entry) => /^[^\s\p{Cc}]+$/u.test(entry)) ? entries : undefined;
  }),
  takesList: true,
};

/** IP addresses and networks; the empty text is the empty list. */
export const networks: Kind<readonly string[]> = {
  ...kind("IP addresses or networks (10.0.0.0/8), separated by commas", (list) => {
    const entries = list === "" ? [] : list.split(",").map((entry) => entry.trim());
    return entries.every(isNetwork) ? entries : undefined;
  }),
  takesList: true,
};

function isNetwork(entry: string): boolean {
  const [address = "", prefix, ...more] = entry.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

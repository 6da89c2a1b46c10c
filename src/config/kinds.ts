/** How the text of a setting becomes a value. */
import { isIP } from "node:net";

/** A value read from text, or what is wrong with that text: a phrase that follows the name of the setting. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** The values of a kind. */
export type ValueOf<K> = K extends Kind<infer T> ? T : never;

/** A kind of text that a setting may have. */
export interface Kind<T> {
  /** What is allowed, for the documents and for errors: `"x" is not <expects>`. */
  readonly expects: string;
  readonly parse: (text: string) => Parsed<T>;
  /** A list in a YAML file is read as its entries, separated by commas. */
  readonly isList?: boolean;
}

/** Returns the value of a text; undefined for a text that does not fit. */
type Read<T> = (text: string) => T | undefined;

const maximumQuotedLength = 80;

/** The text for an error message: escaped, shortened, and without credentials. */
export function quote(text: string): string {
  const harmless = text.replace(/^(.*?:\/\/)?.*@/s, "$1***@");
  const shown = harmless.length > maximumQuotedLength ? `${harmless.slice(0, maximumQuotedLength)}...` : harmless;
  return JSON.stringify(shown);
}

/** The value of a text that is known to be right. */
export function parsed<T>(kind: Kind<T>, text: string): T {
  const result = kind.parse(text);
  if ("problem" in result) throw new Error(`unchecked text: ${result.problem}`);
  return result.value;
}

function kind<T>(expects: string, read: Read<T>, { isSecret = false, isList = false } = {}): Kind<T> {
  return {
    expects,
    isList,
    parse(text) {
      const value = read(text);
      if (value !== undefined) return { value };
      return { problem: isSecret ? `is not ${expects}` : `${quote(text)} is not ${expects}` };
    },
  };
}

const matching = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : undefined);

/** NaN is in no range. */
const within = (minimum: number, maximum: number, value: number) =>
  value >= minimum && value <= maximum ? value : undefined;

/** A decimal whole number within limits, both included. */
export function integer(minimum: number, maximum: number): Kind<number> {
  const read = (text: string) => within(minimum, maximum, /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);
  return kind(`a whole number between ${minimum} and ${maximum}`, read);
}

/** One of a few words. */
export function choice<const Option extends string>(options: readonly Option[]): Kind<Option> {
  return kind(`one of ${options.join(", ")}`, (text) => options.find((option) => option === text));
}

export const boolean = kind("true or false", (text) =>
  text === "true" || text === "false" ? text === "true" : undefined,
);

const millisecondsPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
const maximumDurationMs = 10 * 60_000;

/** A length of time with its unit. The value is in milliseconds. */
export const duration = durationFrom(1, "1ms");
/** A duration that may be zero. */
export const pause = durationFrom(0, "0s");

function durationFrom(minimumMs: number, minimum: string): Kind<number> {
  return kind(`a duration from ${minimum} to 10m, such as 250ms, 10s or 1m`, (text) => {
    const [, amount, unit = ""] = /^(\d{1,9})(ms|s|m)$/.exec(text) ?? [];
    return within(minimumMs, maximumDurationMs, Number(amount) * (millisecondsPerUnit[unit] ?? Number.NaN));
  });
}

const readPrintable = matching(/^\P{Cc}+$/u);

export const text = kind("text without control characters", readPrintable);
export const path = kind("a path without control characters", readPrintable);
/** Text that no error repeats. The usual control character is a line break at its end. */
export const secret = kind("text without line breaks or other control characters", readPrintable, { isSecret: true });
export const bindAddress = kind("a host name or an IP address", matching(/^[\w:][\w.:%-]*$/));
export const databaseHost = kind(
  "a host name, an IP address or an absolute socket folder",
  matching(/^([\w:][\w.:%-]*|\/\P{Cc}*)$/u),
);

/** A URL to fetch from. */
export const httpUrl = kind("an http or https URL without credentials", (text) => {
  const url = /^https?:\/\/\S+$/i.test(text.trim()) ? URL.parse(text) : null;
  return url && url.username === "" && url.password === "" ? url : undefined;
});

/** A Redis server. The URL may hold a password. */
export const redisUrl = kind(
  "redis://HOST:PORT or rediss://HOST:PORT",
  (text) => {
    const url = text.trim();
    return /^rediss?:\/\/[^\s/]\P{Cc}*$/u.test(url) && URL.canParse(url) ? url : undefined;
  },
  { isSecret: true },
);

/** The PEM text of a public key, on several lines or with `\n` between them. */
export const publicKeyPem = kind(
  "a public key in PEM (BEGIN PUBLIC KEY)",
  (text) => readPublicKey(text.replaceAll("\\n", "\n").trim()),
  { isSecret: true },
);
const readPublicKey = matching(/^-----BEGIN PUBLIC KEY-----\s[\w+/=\s]+-----END PUBLIC KEY-----$/);

/** Reads entries separated by commas. The empty text is the empty list. */
function entries<T>(text: string, read: Read<T>): readonly T[] | undefined {
  const values = text === "" ? [] : text.split(",").map((entry) => read(entry.trim()));
  return values.every((value) => value !== undefined) ? values : undefined;
}

function list<T>(expects: string, read: Read<T>, minimum = 0): Kind<readonly T[]> {
  const readList = (text: string) => {
    const values = entries(text, read);
    return values && values.length >= minimum ? values : undefined;
  };
  return kind(`${expects}, separated by commas`, readList, { isList: true });
}

/** Origins whose pages may call: all (`*`) or those of the list. */
export const origins = kind(
  "* or origins such as https://tickets.example.org, separated by commas",
  (text) => (text === "*" ? text : entries(text, readOrigin)),
  { isList: true },
);

/** Reads an origin exactly as a browser sends it. A path or a default port would never match. */
function readOrigin(entry: string): string | undefined {
  return /^https?:/.test(entry) && URL.parse(entry)?.origin === entry ? entry : undefined;
}

export const headerNames = list(
  "names of HTTP headers such as X-Tenant",
  matching(/^(?!\*$)[\w!#$%&'*+.^`|~-]{1,100}$/),
);

/** Signature algorithms with a key pair. With a shared secret, every party that can check a token could also make one. */
export const algorithms = list(
  "RS, PS or ES with 256, 384 or 512, or EdDSA",
  matching(/^(?:[RPE]S(?:256|384|512)|EdDSA)$/),
  1,
);

/** Names of a token's claims, in any characters but spaces and commas. */
export const claimNames = list("names of claims", matching(/^[^\s\p{Cc}]+$/u), 1);

export const networks = list("IP addresses or networks (10.0.0.0/8)", readNetwork);

function readNetwork(entry: string): string | undefined {
  const [, address = "", prefix = "0"] = /^([\da-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(entry) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(prefix) <= (version === 4 ? 32 : 128) ? entry : undefined;
}

/** How the text of a setting becomes a value. */
import * as z from "zod";

/** A value read from text, or what is wrong with that text: a phrase that follows the name of the setting. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** The values of a kind. */
export type ValueOf<K> = K extends Kind<infer T> ? T : never;

/** A kind of text that a setting may have. */
export interface Kind<T> {
  /** What is allowed, for the documents and for errors: `"x" is not <expects>`. */
  readonly expects: string;
  readonly parse: (text: string) => Parsed<T>;
  /** A YAML file may give a list. It is read as its entries, separated by commas. */
  readonly isList?: boolean;
}

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

function kind<T>(expects: string, schema: z.ZodType<T>, { isSecret = false, isList = false } = {}): Kind<T> {
  return {
    expects,
    isList,
    parse(text) {
      const { success, data } = schema.safeParse(text);
      if (success) return { value: data };
      return { problem: isSecret ? `is not ${expects}` : `${quote(text)} is not ${expects}` };
    },
  };
}

/** A decimal whole number within limits, both included. */
export function integer(minimum: number, maximum: number): Kind<number> {
  return kind(`a whole number between ${minimum} and ${maximum}`, integerBetween(minimum, maximum));
}

function integerBetween(minimum: number, maximum: number): z.ZodType<number> {
  const digits = z.string().regex(/^\d{1,15}$/);
  return digits.transform(Number).pipe(z.int().min(minimum).max(maximum));
}

/** The most processes of one service. */
export const mostProcesses = 64;

/** A number of processes, or `auto`. */
export const processes: Kind<number | "auto"> = {
  expects: `a whole number between 1 and ${mostProcesses}, or auto`,
  parse: (text) =>
    text === "auto" ? { value: text } : kind(processes.expects, integerBetween(1, mostProcesses)).parse(text),
};

/** One of a few words. */
export function choice<const Option extends string>(options: readonly Option[]): Kind<Option> {
  return kind(`one of ${options.join(", ")}`, z.enum(options));
}

export const boolean = kind("true or false", z.stringbool({ truthy: ["true"], falsy: ["false"], case: "sensitive" }));

const millisecondsPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A length of time with its unit. The value is in milliseconds. */
export const duration = durationBetween("1ms", "10m", "250ms, 10s or 1m");
/** A duration that may be zero. */
export const pause = durationBetween("0s", "10m", "250ms, 10s or 1m");

/** A duration within limits, both included. */
export function durationBetween(minimum: string, maximum: string, examples: string): Kind<number> {
  const milliseconds = z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h)$/)
    .transform(millisecondsOf);
  const schema = milliseconds.pipe(z.number().min(millisecondsOf(minimum)).max(millisecondsOf(maximum)));
  return kind(`a duration from ${minimum} to ${maximum}, such as ${examples}`, schema);
}

function millisecondsOf(text: string): number {
  return Number.parseInt(text, 10) * (millisecondsPerUnit[text.replace(/^\d+/, "")] ?? Number.NaN);
}

const printable = z.string().regex(/^\P{Cc}+$/u);

export const text = kind("text without control characters", printable);
export const path = kind("a path without control characters", printable);
/** Text that no error repeats. The usual control character is a line break at its end. */
export const secret = kind("text without control characters, such as a line break at its end", printable, {
  isSecret: true,
});
export const bindAddress = kind("a host name or an IP address", z.string().regex(/^[\w:][\w.:%-]*$/));
export const databaseHost = kind(
  "a host name, an IP address or an absolute socket folder",
  z.string().regex(/^([\w:][\w.:%-]*|\/\P{Cc}*)$/u),
);

/** A URL of one line. `z.url()` alone drops line breaks and tabs. */
const webUrl = z
  .string()
  .trim()
  .regex(/^https?:\/\/\S+$/i, { abort: true })
  .pipe(z.url({ abort: true }));

/** A URL to fetch from. */
export const httpUrl = kind(
  "an http or https URL without credentials",
  webUrl.transform((url) => new URL(url)).refine(({ username, password }) => username === "" && password === ""),
);

/** A Redis server. The URL may hold a password. */
export const redisUrl = kind(
  "redis://HOST:PORT or rediss://HOST:PORT",
  z
    .string()
    .trim()
    .regex(/^rediss?:\/\/[^\s/]\P{Cc}*$/u, { abort: true })
    .pipe(z.url()),
  { isSecret: true },
);

/** The PEM text of a public key, on several lines or with `\n` between them. */
export const publicKeyPem = kind(
  "a public key in PEM (BEGIN PUBLIC KEY)",
  z
    .string()
    .transform((pem) => pem.replaceAll("\\n", "\n").trim())
    .pipe(z.string().regex(/^-----BEGIN PUBLIC KEY-----\s[\w+/=\s]+-----END PUBLIC KEY-----$/)),
  { isSecret: true },
);

/** Entries separated by commas. The empty text is the empty list. */
const entries = z.string().transform((list) => (list === "" ? [] : list.split(",").map((entry) => entry.trim())));

function list(expects: string, entry: z.ZodType<string, string>, minimum = 0): Kind<readonly string[]> {
  return kind(`${expects}, separated by commas`, entries.pipe(z.array(entry).min(minimum)), { isList: true });
}

/** An origin exactly as a browser sends it. A path or a default port would never match. */
const origin = webUrl.refine((entry) => new URL(entry).origin === entry);

/** Origins whose pages may call: all (`*`) or those of the list. */
export const origins = kind(
  "* or origins such as https://tickets.example.org, separated by commas",
  z.literal("*").or(entries.pipe(z.array(origin))),
  { isList: true },
);

export const headerNames = list(
  "names of HTTP headers such as X-Tenant",
  z.string().regex(/^(?!\*$)[\w!#$%&'*+.^`|~-]{1,100}$/),
);

/** Signature algorithms with a key pair. With a shared secret, every party that can check a token could also make one. */
const signatureAlgorithms = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA"] as const),
];

export const algorithms = list("RS, PS or ES with 256, 384 or 512, or EdDSA", z.enum(signatureAlgorithms), 1);

/** What the `aud` claims of tokens may be. */
export const audiences = list("text without control characters", printable, 1);

/** Names of a token's claims, in any characters but spaces and commas. */
export const claimNames = list("names of claims", z.string().regex(/^[^\s\p{Cc}]+$/u), 1);

export const networks = list(
  "IP addresses or networks (10.0.0.0/8)",
  z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]),
);

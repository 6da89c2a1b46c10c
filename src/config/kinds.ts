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
export const duration: Kind<number> = kind("a duration from 1ms to 10m, such as 250ms, 10s or 1m", (text) => {
  const [, amount, unit = ""] = /^(\d{1,9})(ms|s|m)$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (millisecondsPerUnit.get(unit) ?? Number.NaN);
  return milliseconds >= 1 && milliseconds <= maximumDurationMs ? milliseconds : undefined;
});

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

function isOrigin(entry: string): boolean {
  // A browser sends exactly what `origin` gives; anything else in the list (a path, a default port) would never match.
  return /^https?:/.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry;
}

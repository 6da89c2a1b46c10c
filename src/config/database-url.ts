import { parseParameters, type UrlParameters } from "./database-url-parameters.ts";
import type { Parsed } from "./parsed.ts";

/** What a database URL states; what it leaves out is undefined. */
export interface DatabaseUrl extends UrlParameters {
  readonly warnings: readonly string[];
}

/**
 * Reads `postgres://USERNAME:PASSWORD@HOST:PORT/NAME?sslmode=MODE&host=/SOCKET/FOLDER`; every part may be left out. As in
 * libpq, the parameters may state any part, and win: it is the only way to name a socket beside a host that a tool insists on.
 * No problem it reports repeats a part in which a password could stand.
 */
export function parseDatabaseUrl(text: string): Parsed<DatabaseUrl> {
  if (!/^postgres(ql)?:\/\//i.test(text)) return { problem: "does not begin with postgres:// or postgresql://" };
  // Sockets are commonly written postgres://user:password@/name?host=/folder, but WHATWG wants a host after the @.
  const complete = text.replace(/^(\w+:\/\/[^/?#]*@)(?=(:\d*)?([/?#]|$))/, "$1localhost");
  if (!URL.canParse(complete)) return { problem: `is not a valid URL; ${howToEscape}` };
  const url = new URL(complete);

  // An @ after the host, or a #, is nearly always an unescaped password that ended the host too early.
  if (url.hash !== "" || `${url.pathname}${url.search}`.includes("@")) return { problem: howToEscape };
  if (url.port === "0") return { problem: "has port 0, which no database listens on" };
  if (url.hostname.includes(",")) return { problem: "names several hosts, but one is supported" };
  if (url.pathname.slice(1).includes("/")) return { problem: "has more than a database name after the host" };

  try {
    const parameters = parseParameters(url.search.slice(1));
    if ("problem" in parameters) return parameters;
    return { value: { ...partsOf(url), warnings: [], ...parameters.value } };
  } catch {
    return { problem: `has a % that begins no escape; ${howToEscape}` };
  }
}

const howToEscape = "write @ : / ? # % within a user name, password or database name as %40 %3A %2F %3F %23 %25";

/** Raises URIError for a % that begins no escape. */
function partsOf(url: URL): UrlParameters {
  const texts = {
    host: decodePart(url.hostname.replace(/^\[(.*)\]$/, "$1")),
    username: decodePart(url.username),
    password: decodePart(url.password),
    name: decodePart(url.pathname.slice(1)),
  };
  const stated = Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined));
  return { ...stated, ...(url.port !== "" && { port: Number(url.port) }) };
}

function decodePart(part: string): string | undefined {
  const decoded = decodeURIComponent(part);
  return decoded === "" ? undefined : decoded;
}

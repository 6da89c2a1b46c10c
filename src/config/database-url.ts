import type { Parsed } from "./parsed.ts";
import { quote } from "./parsed.ts";

/** How far the connection is protected: not at all, encrypted, or encrypted with the server's certificate checked. */
export const sslModes = ["disable", "require", "verify-full"] as const;
export type SslMode = (typeof sslModes)[number];

/** What a database URL states; what it leaves out is undefined. */
export interface DatabaseUrl {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly name: string | undefined;
  readonly sslMode: SslMode | undefined;
}

/**
 * Reads `postgres://USERNAME:PASSWORD@HOST:PORT/NAME?sslmode=MODE&host=/SOCKET/FOLDER`; every part may be left out.
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

  const query = parseQuery(url.searchParams);
  if ("problem" in query) return query;
  return decodeParts(url, query.value);
}

const howToEscape = "write @ : / ? # % within a user name, password or database name as %40 %3A %2F %3F %23 %25";

interface Query {
  readonly host: string | undefined;
  readonly sslMode: SslMode | undefined;
}

function parseQuery(parameters: URLSearchParams): Parsed<Query> {
  const names = [...parameters.keys()];
  const unknown = names.find((name) => name !== "host" && name !== "sslmode");
  if (unknown !== undefined) {
    return { problem: `has the unknown query parameter ${quote(unknown)}; known are host and sslmode` };
  }
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return { problem: `has ${repeated} more than once` };

  const host = parameters.get("host") ?? undefined;
  if (host !== undefined && !host.startsWith("/")) {
    return { problem: "has a host parameter that is not the absolute path of a socket folder" };
  }
  const modeText = parameters.get("sslmode") ?? undefined;
  const sslMode = sslModes.find((mode) => mode === modeText);
  if (modeText !== undefined && sslMode === undefined) {
    return { problem: `has sslmode ${quote(modeText)}, which is not one of ${sslModes.join(", ")}` };
  }
  return { value: { host, sslMode } };
}

function decodeParts(url: URL, query: Query): Parsed<DatabaseUrl> {
  try {
    return {
      value: {
        // As in libpq, a host in the query wins: it is the only way to name a socket beside a host that a tool insists on.
        host: query.host ?? decodePart(url.hostname.replace(/^\[(.*)\]$/, "$1")),
        port: url.port === "" ? undefined : Number(url.port),
        username: decodePart(url.username),
        password: decodePart(url.password),
        name: decodePart(url.pathname.slice(1)),
        sslMode: query.sslMode,
      },
    };
  } catch {
    return { problem: `has a % that begins no escape; ${howToEscape}` };
  }
}

function decodePart(part: string): string | undefined {
  const decoded = decodeURIComponent(part);
  return decoded === "" ? undefined : decoded;
}

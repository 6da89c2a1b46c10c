/** A database URL with its parameters, read as libpq reads it. */
import { sslModes } from "../domain/ssl-mode.ts";
import { choice, integer, type Kind, type Parsed, quote, secret, type ValueOf } from "./kinds.ts";

/** The parts of a connection, and the parameter that states each. */
const parts = {
  host: ["host", secret],
  port: ["port", integer(1, 65_535)],
  username: ["user", secret],
  password: ["password", secret],
  name: ["dbname", secret],
  sslMode: ["sslmode", choice(sslModes)],
  sslCaFile: ["sslrootcert", secret],
  sslNegotiation: ["sslnegotiation", choice(["postgres", "direct"])],
  channelBinding: ["channel_binding", choice(["disable", "prefer", "require"])],
  applicationName: ["application_name", secret],
  startOptions: ["options", secret],
} as const satisfies Readonly<Record<string, readonly [parameter: string, kind: Kind<unknown>]>>;

/** The parts that a URL may state. */
export type UrlParts = { readonly [Part in keyof typeof parts]?: ValueOf<(typeof parts)[Part][1]> } & {
  readonly connectTimeoutMs?: number;
};

/** What a database URL states. */
export type DatabaseUrl = UrlParts & {
  /** `sslrootcert=system`: the system's authorities count, and no file does. */
  readonly hasSystemAuthorities?: true;
  /** Behind a pooler that keeps no prepared statements. */
  readonly isPooled?: true;
  /** What is accepted and has no effect, as sentences without the setting's name. */
  readonly warnings: readonly string[];
};

const escapes = "write @ : / ? # % within a user name, password or database name as %40 %3A %2F %3F %23 %25";

/** What is wrong with a URL: a phrase that follows the name of the setting. */
class UrlFault extends Error {}

/**
 * Reads `postgres://USERNAME:PASSWORD@HOST:PORT/NAME?sslmode=MODE&host=/SOCKET/FOLDER`. Every part may be left out. As in
 * libpq, the parameters may state any part, and win: only they can name a socket when a tool insists on a host.
 * No problem repeats a part that could be a password.
 */
export function parseDatabaseUrl(text: string): Parsed<DatabaseUrl> {
  try {
    return { value: readUrl(text) };
  } catch (error) {
    if (error instanceof UrlFault) return { problem: error.message };
    if (error instanceof URIError) return { problem: `has a % that begins no escape; ${escapes}` };
    throw error;
  }
}

function readUrl(text: string): DatabaseUrl {
  if (!/^postgres(ql)?:\/\//i.test(text)) throw new UrlFault("does not begin with postgres:// or postgresql://");
  // The URL parser would drop tabs and line breaks from a password.
  if (/\p{Cc}/u.test(text.trim())) throw new UrlFault("has a control character");
  // Sockets are commonly written postgres://user:password@/name?host=/folder, but WHATWG requires a host after the @.
  const url = URL.parse(text.replace(/^(\w+:\/\/[^/?#]*@)(?=(:\d*)?([/?#]|$))/, "$1localhost"));
  if (!url) throw new UrlFault(`is not a valid URL; ${escapes}`);
  const { hash, pathname, search, hostname, port, username, password } = url;
  // An @ after the host, or a #, nearly always is an unescaped password that ended the host too early.
  if (hash !== "" || `${pathname}${search}`.includes("@")) throw new UrlFault(escapes);
  const name = pathname.slice(1);
  if (name.includes("/")) throw new UrlFault("has more than a database name after the host");

  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const address = Object.entries({ host, port, user: username, password, dbname: name }).filter(([, part]) => part);
  const read = new Map(address.map(([part, value]) => [part, readParameter(part, decodeURIComponent(value))]));
  for (const [parameter, value] of readParameters(search.slice(1))) read.set(parameter, value);
  return checked(translate(read));
}

const others: Readonly<Record<string, Kind<string | number>>> = {
  // JDBC's spelling, which libpq accepts as well.
  ssl: choice(["true"]),
  connect_timeout: integer(0, 999_999_999),
  fallback_application_name: secret,
  // Checked and not kept: a connection to a server that only reads is closed in any case.
  target_session_attrs: choice(["any", "read-write", "primary"]),
  client_encoding: choice(["UTF8", "utf8", "UTF-8", "utf-8", "auto"]),
  // Prisma's.
  pgbouncer: choice(["true", "false"]),
};

const keepAlive = { why: "the service sets TCP keep-alive itself" };
const poolSize = { why: "APP_DATABASE_POOL_SIZE sets the size of the pool" };
const hint = { why: "it is a hint for another program" };

/** Accepted with any value, or with the value under which the parameter changes nothing. */
const ignored: Readonly<Record<string, { readonly why: string; readonly value?: Kind<string> }>> = {
  keepalives: keepAlive,
  keepalives_idle: keepAlive,
  keepalives_interval: keepAlive,
  keepalives_count: keepAlive,
  tcp_user_timeout: keepAlive,
  gssencmode: { why: "connections are never encrypted by GSSAPI", value: choice(["disable", "prefer"]) },
  sslcompression: { why: "TLS is never compressed", value: choice(["0"]) },
  sslsni: { why: "the server's name is always sent", value: choice(["1"]) },
  load_balance_hosts: { why: "there is one host", value: choice(["disable"]) },
  connection_limit: poolSize,
  pool_timeout: poolSize,
  uselibpqcompat: { why: "sslmode always has libpq's meaning", value: choice(["true"]) },
  supa: hint,
  workaround: hint,
};

const known: ReadonlyMap<string, Kind<unknown> | undefined> = new Map([
  ...Object.values(parts),
  ...Object.entries(others),
  ...Object.entries(ignored).map(([name, { value }]) => [name, value] as const),
]);

/** Reads the query of a database URL, in which a plus is a plus. Rejects parameters that the service cannot honour. */
function readParameters(query: string): ReadonlyMap<string, unknown> {
  const read = new Map<string, unknown>();
  for (const pair of query === "" ? [] : query.split("&")) {
    const [name = "", ...rest] = pair.split("=").map(decodeURIComponent);
    if (!known.has(name)) {
      const supported = [...known.keys()].join(", ");
      throw new UrlFault(`has the query parameter ${quote(name)}, which is not supported; supported are ${supported}`);
    }
    if (read.has(name)) throw new UrlFault(`has ${name} more than once`);
    const value = rest.join("=");
    read.set(name, readParameter(name, name in ignored ? value.toLowerCase() : value));
  }
  return read;
}

function readParameter(name: string, text: string): unknown {
  const parsed = known.get(name)?.parse(text) ?? { value: text };
  if ("problem" in parsed) throw new UrlFault(`has the parameter ${name}: ${parsed.problem}`);
  return parsed.value;
}

const maximumConnectS = 5;

function translate(read: ReadonlyMap<string, unknown>): DatabaseUrl {
  const stated = Object.entries(parts).flatMap(([part, [name]]) => (read.has(name) ? [[part, read.get(name)]] : []));
  const warnings = Object.entries(ignored)
    .filter(([name]) => read.has(name))
    .map(([name, { why }]) => `${name} is ignored: ${why}`);
  const connectS = Number(read.get("connect_timeout") ?? maximumConnectS);
  const isKept = connectS > 0 && connectS <= maximumConnectS;
  if (!isKept) warnings.push(`connect_timeout is taken as ${maximumConnectS}, the longest wait for a connection`);
  const applicationName = read.get("fallback_application_name");
  return {
    ...(read.has("ssl") && { sslMode: "require" }),
    ...(typeof applicationName === "string" && { applicationName }),
    ...(isKept && read.has("connect_timeout") && { connectTimeoutMs: connectS * 1_000 }),
    ...(read.get("pgbouncer") === "true" && { isPooled: true }),
    ...(Object.fromEntries(stated) as UrlParts),
    warnings,
  };
}

function checked(url: DatabaseUrl): DatabaseUrl {
  const { sslCaFile, ...rest } = url;
  const { host, sslMode, sslNegotiation } = rest;
  if (host?.includes(",")) throw new UrlFault("names several hosts, but one is supported");
  const isStrict = sslMode === "require" || sslMode === "verify-ca" || sslMode === "verify-full";
  if (sslNegotiation === "direct" && !isStrict) {
    throw new UrlFault("has sslnegotiation=direct, which needs sslmode=require or stronger");
  }
  // As in libpq, the system's authorities allow for complete checks only.
  if (sslCaFile !== "system") return url;
  if (sslMode !== undefined && sslMode !== "verify-full") {
    throw new UrlFault("has sslrootcert=system, which needs sslmode=verify-full");
  }
  return { ...rest, sslMode: "verify-full", hasSystemAuthorities: true };
}

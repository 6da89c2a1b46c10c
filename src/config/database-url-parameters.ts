import { type SslMode, sslModes } from "../domain/ssl-mode.ts";
import type { Parsed } from "./parsed.ts";
import { quote } from "./parsed.ts";

/** What the parameters of a database URL state; what they leave out is undefined. */
export interface UrlParameters {
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly name?: string;
  readonly sslMode?: SslMode;
  readonly sslCaFile?: string;
  /** The system's authorities are asked for by name, so that no file of authorities counts. */
  readonly hasSystemAuthorities?: true;
  readonly sslNegotiation?: "postgres" | "direct";
  readonly channelBinding?: "disable" | "prefer" | "require";
  readonly connectTimeoutMs?: number;
  readonly applicationName?: string;
  readonly startOptions?: string;
  /** Behind a pooler that keeps no prepared statements. */
  readonly isPooled?: true;
  /** What is accepted and does nothing, as sentences without the setting's name. */
  readonly warnings?: readonly string[];
}

type Reader = (text: string, name: string) => Parsed<UrlParameters>;

function oneOf<const Option extends string>(
  options: readonly Option[],
  put: (option: Option) => UrlParameters,
): Reader {
  return (text, name) => {
    const option = options.find((one) => one === text);
    if (option !== undefined) return { value: put(option) };
    return { problem: `has ${name} ${quote(text)}, which is not one of ${options.join(", ")}` };
  };
}

/** A value that is not repeated in problems. */
const text =
  (put: (value: string) => UrlParameters): Reader =>
  (value, name) =>
    /^\P{Cc}+$/u.test(value)
      ? { value: put(value) }
      : { problem: `has ${name} without text, or with control characters` };

function integer(minimum: number, maximum: number, put: (value: number) => UrlParameters): Reader {
  return (value, name) =>
    /^\d{1,9}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum
      ? { value: put(Number(value)) }
      : { problem: `has ${name} ${quote(value)}, which is not a whole number between ${minimum} and ${maximum}` };
}

const longestConnectS = 5;

function connectTimeout(seconds: number): UrlParameters {
  if (seconds > 0 && seconds <= longestConnectS) return { connectTimeoutMs: seconds * 1_000 };
  return { warnings: [`connect_timeout is taken as ${longestConnectS}, the longest wait for a connection`] };
}

/** Accepted, any value or one of these, since leaving it out changes nothing that the service promises. */
function ignored(why: string, options?: readonly string[]): Reader {
  return (value, name) => {
    if (options && !options.includes(value.toLowerCase())) return oneOf(options, () => ({}))(value, name);
    return { value: { warnings: [`${name} is ignored: ${why}`] } };
  };
}

const probes = "the service sets TCP's keep-alive itself";
const pool = "APP_DATABASE_POOL_SIZE sets the size of the pool";
const hint = "it is a hint for another program";

const readers = new Map<string, Reader>([
  ["host", text((host) => ({ host }))],
  ["port", integer(1, 65_535, (port) => ({ port }))],
  ["user", text((username) => ({ username }))],
  ["password", text((password) => ({ password }))],
  ["dbname", text((name) => ({ name }))],
  // JDBC's spelling, which libpq takes as well.
  ["ssl", oneOf(["true"], () => ({ sslMode: "require" }))],
  ["sslmode", oneOf(sslModes, (sslMode) => ({ sslMode }))],
  ["sslrootcert", text((sslCaFile) => ({ sslCaFile }))],
  ["sslnegotiation", oneOf(["postgres", "direct"], (sslNegotiation) => ({ sslNegotiation }))],
  ["channel_binding", oneOf(["disable", "prefer", "require"], (channelBinding) => ({ channelBinding }))],
  ["connect_timeout", integer(0, 999_999_999, connectTimeout)],
  ["fallback_application_name", text((applicationName) => ({ applicationName }))],
  ["application_name", text((applicationName) => ({ applicationName }))],
  ["options", text((startOptions) => ({ startOptions }))],
  // The service needs it anyway: a connection whose server only reads is closed.
  ["target_session_attrs", oneOf(["any", "read-write", "primary"], () => ({}))],
  ["client_encoding", oneOf(["UTF8", "utf8", "UTF-8", "utf-8", "auto"], () => ({}))],
  // Prisma's.
  ["pgbouncer", oneOf(["true", "false"], (is) => (is === "true" ? { isPooled: true } : {}))],
  ...["keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"].map(
    (name): [string, Reader] => [name, ignored(probes)],
  ),
  ["gssencmode", ignored("connections are never encrypted by GSSAPI", ["disable", "prefer"])],
  ["sslcompression", ignored("TLS is never compressed", ["0"])],
  ["sslsni", ignored("the server's name is always sent", ["1"])],
  ["load_balance_hosts", ignored("there is one host", ["disable"])],
  ["connection_limit", ignored(pool)],
  ["pool_timeout", ignored(pool)],
  ["uselibpqcompat", ignored("sslmode always means what it means to libpq", ["true"])],
  ["supa", ignored(hint)],
  ["workaround", ignored(hint)],
]);

/** Reads the query of a database URL, in which a plus is a plus. Parameters that the service cannot honour are refused. */
export function parseParameters(query: string): Parsed<UrlParameters> {
  const pairs = query === "" ? [] : query.split("&").map((pair) => splitPair(pair));
  const names = pairs.map(([name]) => name);
  const unknown = names.find((name) => !readers.has(name));
  if (unknown !== undefined) {
    const known = [...readers.keys()].join(", ");
    return { problem: `has the query parameter ${quote(unknown)}, which is not supported; supported are ${known}` };
  }
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return { problem: `has ${repeated} more than once` };

  let stated: UrlParameters = {};
  // In the order of the table: the last of two that state the same counts.
  for (const [name, reader] of readers) {
    const value = pairs.find(([given]) => given === name)?.[1];
    if (value === undefined) continue;
    const parsed = reader(value, name);
    if ("problem" in parsed) return parsed;
    const warnings = [...(stated.warnings ?? []), ...(parsed.value.warnings ?? [])];
    stated = { ...stated, ...parsed.value, warnings };
  }
  return checkTogether(stated);
}

/** Raises URIError for a % that begins no escape. */
function splitPair(pair: string): [name: string, value: string] {
  const [name = "", ...values] = pair.split("=");
  return [decodeURIComponent(name), decodeURIComponent(values.join("="))];
}

function checkTogether(stated: UrlParameters): Parsed<UrlParameters> {
  const { host, sslMode, sslNegotiation, sslCaFile, ...rest } = stated;
  if (host?.includes(",")) return { problem: "names several hosts, but one is supported" };
  const isStrict = sslMode === "require" || sslMode === "verify-ca" || sslMode === "verify-full";
  if (sslNegotiation === "direct" && !isStrict) {
    return { problem: "has sslnegotiation=direct, which needs sslmode=require or stronger beside it" };
  }
  // As in libpq, the system's authorities are for whole checks only.
  if (sslCaFile !== "system") return { value: stated };
  if (sslMode !== undefined && sslMode !== "verify-full") {
    return { problem: "has sslrootcert=system, which needs sslmode=verify-full" };
  }
  const value = { ...rest, ...(host !== undefined && { host }), ...(sslNegotiation && { sslNegotiation }) };
  return { value: { ...value, sslMode: "verify-full", hasSystemAuthorities: true } };
}

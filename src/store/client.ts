import { readFileSync } from "node:fs";
import pg from "pg";
import { DatabaseSetupError } from "./database-errors.ts";

/**
 * Protection of a connection, as libpq's `sslmode`: `allow` and `prefer` settle for a connection without TLS if the server
 * wants it so; `require` encrypts, `verify-ca` checks the certificate too, `verify-full` also the host's name in it.
 */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

/** How to reach and to enter a database. */
export interface ConnectionOptions {
  /** A host, or a socket folder, which begins with `/`. */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly name: string;
  /** Means nothing on a socket, as with libpq. */
  readonly sslMode: SslMode;
  /** A PEM file of certificate authorities for verify-ca and verify-full; the system's when undefined. */
  readonly sslCaFile?: string | undefined;
  /** Whether TLS begins at once or is asked for first, as older servers need; "postgres" when undefined. */
  readonly sslNegotiation?: "postgres" | "direct" | undefined;
  /** Whether the password's proof is bound to the TLS connection, as libpq's `channel_binding`; "disable" when undefined. */
  readonly channelBinding?: "disable" | "prefer" | "require" | undefined;
  /** A connection that is not made within this time fails. */
  readonly connectTimeoutMs?: number | undefined;
  /** What PostgreSQL shows of a connection in `pg_stat_activity`; "frontrow" when undefined. */
  readonly applicationName?: string | undefined;
  /** PostgreSQL ends a statement of the session that runs so long, unless its transaction says otherwise. */
  readonly statementTimeoutMs?: number | undefined;
  /** Command-line options for the session, as libpq's `options`. Poolers refuse them. */
  readonly startOptions?: string | undefined;
}

/** Idle connections are probed this often, so that one whose network is gone is found before a caller gets it. */
const keepAliveMs = 10_000;

// PostgreSQL's type numbers (pg_type.oid) of the columns that need more than a JavaScript number or string.
const int8Oid = 20;
const timestamptzOid = 1184;

/** Ids become bigint, instants keep their microseconds; other types as `pg` reads them (numeric stays a string). */
const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    if (oid === int8Oid) return BigInt;
    if (oid === timestamptzOid) return (text: string) => Temporal.Instant.from(text);
    return pg.types.getTypeParser(oid, format);
  }) as typeof pg.types.getTypeParser,
};

/** How a connection is begun. */
interface Beginning {
  readonly isEncrypted: boolean;
  /** Whether the session's statement_timeout is sent, which some poolers refuse. */
  readonly sendsTimeout: boolean;
}

/** How the next connection begins. It changes with what the server, or a pooler before it, takes. */
export interface Handshake {
  readonly next: Beginning;
  /** Whether a connection that failed should be tried in another way; `tried` is how it began. */
  fallBack(error: unknown, tried: Beginning): boolean;
}

/** Begins as the options say. What the server takes is remembered, so that later connections begin with it. */
export function createHandshake({ sslMode, host, statementTimeoutMs }: ConnectionOptions): Handshake {
  const isSocket = host.startsWith("/");
  const isSettling = (sslMode === "prefer" || sslMode === "allow") && !isSocket;
  let next: Beginning = {
    isEncrypted: sslMode !== "disable" && sslMode !== "allow" && !isSocket,
    sendsTimeout: statementTimeoutMs !== undefined,
  };
  return {
    get next() {
      return next;
    },
    fallBack(error, tried) {
      if (tried.sendsTimeout && isParameterRefused(error)) next = { ...tried, sendsTimeout: false };
      else if (isSettling && mayBeForTls(error)) next = { ...tried, isEncrypted: !tried.isEncrypted };
      else return false;
      return true;
    },
  };
}

/** The words are PgBouncer's; its SQLSTATE is the same for all that it refuses. */
function isParameterRefused(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("unsupported startup parameter");
}

/** invalid_authorization_specification: among others, pg_hba.conf has no line for connections with, or without, TLS. */
const invalidAuthorization = "28000";

function mayBeForTls(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // The sentence is pg's, which gives no code. The others are OpenSSL's.
  const isRefused = error.message === "The server does not support SSL connections";
  return isRefused || code === invalidAuthorization || code === "EPROTO" || code.startsWith("ERR_SSL_");
}

/**
 * A class of `pg` clients that connect as the options say. The class and not the pool has the options, since `pg` fills
 * every gap from the shell's PG* variables: what is sent at the start is stated here in full.
 */
export function createClientClass(options: ConnectionOptions, handshake: Handshake): new () => pg.Client {
  const tls = tlsOptions(options);
  const { host, port, username: user, password, name: database, startOptions, statementTimeoutMs } = options;
  return class extends pg.Client {
    readonly #beginning = handshake.next;

    constructor() {
      const { isEncrypted } = handshake.next;
      super({
        ...{ host, port, user, database, types: columnTypes, pipeline: true },
        // `pg` takes an empty text for none, and looks for one in the environment and in files.
        password: () => password,
        ssl: isEncrypted && tls,
        sslnegotiation: (isEncrypted && options.sslNegotiation) || "postgres",
        enableChannelBinding: isEncrypted && (options.channelBinding ?? "disable") !== "disable",
        connectionTimeoutMillis: options.connectTimeoutMs ?? 0,
        keepAlive: true,
        keepAliveInitialDelayMillis: keepAliveMs,
      });
      // Without a listener a broken connection would end the process. The statement that fails reports it.
      this.on("error", () => {});
      if (options.channelBinding === "require") requireChannelBinding(this);
    }

    /**
     * The startup message. Instants are read and written as text: without the first two the operator's settings, such as
     * ALTER DATABASE ... SET timezone, would decide their form. Poolers keep both for each client. PgBouncer compares
     * values as texts, so DateStyle is spelt as PostgreSQL reports it.
     */
    getStartupConf(): Record<string, string> {
      return {
        ...{ TimeZone: "UTC", DateStyle: "ISO, MDY", user, database },
        application_name: options.applicationName ?? "frontrow",
        ...(this.#beginning.sendsTimeout && { statement_timeout: String(statementTimeoutMs) }),
        ...(startOptions !== undefined && { options: startOptions }),
      };
    }
  };
}

/** The `ssl` option of `pg`. */
function tlsOptions({ sslMode, sslCaFile }: ConnectionOptions): Exclude<pg.ClientConfig["ssl"], undefined> {
  if (sslMode === "disable") return false;
  if (sslMode !== "verify-ca" && sslMode !== "verify-full") return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(sslCaFile !== undefined && { ca: readCertificates(sslCaFile) }),
    ...(sslMode === "verify-ca" && { checkServerIdentity: () => undefined }),
  };
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseSetupError(`cannot read the certificate authorities of the database (${why})`, { cause });
  }
}

/**
 * Ends a connection on which the server asks for the password in another way, or for none. `pg` would answer. These
 * listeners are called before those of `pg`, which are added when it connects.
 */
function requireChannelBinding({ connection }: pg.Client): void {
  let isBound = false;
  const refuse = () => {
    // What `pg` writes from now on is dropped.
    connection.stream.destroy();
    connection.emit(
      "error",
      new Error("the server does not offer channel binding, which channel_binding=require demands"),
    );
  };
  connection.on("authenticationSASL", ({ mechanisms }: { mechanisms: readonly string[] }) => {
    isBound = mechanisms.includes("SCRAM-SHA-256-PLUS");
    if (!isBound) refuse();
  });
  connection.on("authenticationCleartextPassword", refuse);
  connection.on("authenticationMD5Password", refuse);
  connection.on("authenticationOk", () => {
    if (!isBound) refuse();
  });
}

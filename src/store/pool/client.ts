import { readFileSync } from "node:fs";
import pg from "pg";
import type { SslMode } from "../../domain/ssl-mode.ts";
import { DatabaseSetupError } from "../sqlstate.ts";

/** How to connect to a database. */
export interface ConnectionOptions {
  /** A host, or a socket folder, which begins with `/`. */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly name: string;
  /** Ignored on a socket, as with libpq. */
  readonly sslMode: SslMode;
  /** A PEM file of certificate authorities for verify-ca and verify-full; the system's when undefined. */
  readonly sslCaFile?: string | undefined;
  /** Whether TLS begins at once, or after a request as older servers need; "postgres" when undefined. */
  readonly sslNegotiation?: "postgres" | "direct" | undefined;
  /** Whether the password's proof is bound to the TLS connection, as libpq's `channel_binding`; "disable" when undefined. */
  readonly channelBinding?: "disable" | "prefer" | "require" | undefined;
  /** A connection that is not made within this time fails. */
  readonly connectTimeoutMs?: number | undefined;
  /** What PostgreSQL shows of a connection in `pg_stat_activity`; "frontrow" when undefined. */
  readonly applicationName?: string | undefined;
  /** PostgreSQL ends a statement of the session after this time, unless its transaction sets another. */
  readonly statementTimeoutMs?: number | undefined;
  /** Command-line options for the session, as libpq's `options`. Poolers refuse them. */
  readonly startOptions?: string | undefined;
}

/** Idle connections are probed this often, so that one that has lost its network is closed before a caller gets it. */
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

/** How connections begin. It changes with what the server, or a pooler before it, takes. */
export type Handshake = ReturnType<typeof createHandshake>;

/**
 * Begins as the options require. An alternative is kept only after a connection that began so has succeeded: a transient
 * error must not leave later connections without TLS.
 */
export function createHandshake({ sslMode, host, statementTimeoutMs }: ConnectionOptions) {
  const isSocket = host.startsWith("/");
  const isSettling = (sslMode === "prefer" || sslMode === "allow") && !isSocket;
  const beginnings = new WeakMap<pg.Client, Beginning>();
  let asked: Beginning | undefined;
  let usual: Beginning = {
    isEncrypted: sslMode !== "disable" && sslMode !== "allow" && !isSocket,
    sendsTimeout: statementTimeoutMs !== undefined,
  };
  return {
    /** How connections begin by default: as the last one that succeeded after a fallback. */
    get usual() {
      return usual;
    },
    /** The clients that `connect` makes before it returns begin in this way. */
    begin<Result>(beginning: Beginning, connect: () => Result): Result {
      asked = beginning;
      try {
        return connect();
      } finally {
        asked = undefined;
      }
    },
    /** How the client begins that is made now. */
    next: () => asked ?? usual,
    /** Takes note of how a client begins. */
    made: (client: pg.Client, beginning: Beginning) => void beginnings.set(client, beginning),
    /** Another way to try after a connection failed that began as `tried`; undefined if there is none. */
    alternative(error: unknown, tried: Beginning): Beginning | undefined {
      if (tried.sendsTimeout && isParameterRefused(error)) return { ...tried, sendsTimeout: false };
      if (isSettling && mayBeForTls(error)) return { ...tried, isEncrypted: !tried.isEncrypted };
      return undefined;
    },
    /** The client is connected: later connections begin as it did. */
    succeeded(client: pg.Client): void {
      usual = beginnings.get(client) ?? usual;
    },
  };
}

/** PgBouncer's message. Its SQLSTATE is the same for everything that it refuses. */
function isParameterRefused(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("unsupported startup parameter");
}

/** invalid_authorization_specification: among others, pg_hba.conf has no line for connections with, or without, TLS. */
const invalidAuthorization = "28000";

function mayBeForTls(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // The message is that of `pg`, which sets no code. The codes are OpenSSL's.
  const isRefused = error.message === "The server does not support SSL connections";
  return isRefused || code === invalidAuthorization || code === "EPROTO" || code.startsWith("ERR_SSL_");
}

/**
 * A class of `pg` clients that connect as the options require. The class and not the pool has the options, since `pg` fills
 * every gap from the shell's PG* variables: the startup message is stated here in full.
 */
export function createClientClass(options: ConnectionOptions, handshake: Handshake): new () => pg.Client {
  const tls = tlsOptions(options);
  const { host, port, username: user, password, name: database, startOptions, statementTimeoutMs } = options;
  return class extends pg.Client {
    readonly #sendsTimeout: boolean;

    constructor() {
      const { isEncrypted, sendsTimeout } = handshake.next();
      super({
        ...{ host, port, user, database, types: columnTypes, pipeline: true },
        // `pg` treats an empty password as missing, and then reads one from the environment or from files.
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
      this.#sendsTimeout = sendsTimeout;
      handshake.made(this, { isEncrypted, sendsTimeout });
      if (options.channelBinding === "require") requireChannelBinding(this, isEncrypted);
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
        ...(this.#sendsTimeout && { statement_timeout: String(statementTimeoutMs) }),
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
 * Ends a connection on which the server requests the password in another way, requests none, or accepts the client before its
 * own proof of the password, bound to this TLS connection, has been verified. `pg` would continue. These listeners are called
 * before those of `pg`, which are added when it connects.
 */
function requireChannelBinding({ connection }: pg.Client, isEncrypted: boolean): void {
  let isBound = false;
  const refuse = (problem = "the server does not offer channel binding, which channel_binding=require demands") => {
    // Drops what `pg` writes from now on.
    connection.stream.destroy();
    connection.emit("error", new Error(problem));
  };
  connection.on("authenticationSASL", ({ mechanisms }: { mechanisms: readonly string[] }) => {
    isBound = false;
    // Without TLS `pg` does not choose the mechanism, whatever the server offers.
    if (!isEncrypted || !mechanisms.includes("SCRAM-SHA-256-PLUS")) refuse();
  });
  connection.on("authenticationCleartextPassword", () => refuse());
  connection.on("authenticationMD5Password", () => refuse());
  connection.on("authenticationSASLFinal", () => {
    isBound = true;
  });
  // `pg` raises an error in its own listener if the proof is wrong, arrives too early or is repeated.
  connection.on("error", () => {
    isBound = false;
  });
  connection.on("authenticationOk", () => {
    if (!isBound)
      refuse("the server accepted the connection without channel binding, which channel_binding=require demands");
  });
}

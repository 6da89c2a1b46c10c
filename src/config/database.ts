import { resolve } from "node:path";
import type { SslMode } from "../domain/ssl-mode.ts";
import type { DatabaseUrl } from "./database-url.ts";
import { createLookup } from "./lookup.ts";
import type { Setting } from "./settings.ts";
import { settings } from "./settings.ts";
import type { Given } from "./sources.ts";

/** A PostgreSQL that somebody else runs. A host that begins with `/` is a socket folder. */
export interface ExternalDatabase {
  readonly kind: "external";
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly name: string;
  readonly sslMode: SslMode;
  readonly sslCaFile?: string;
  readonly sslNegotiation?: "postgres" | "direct";
  readonly channelBinding?: "disable" | "prefer" | "require";
  readonly connectTimeoutMs?: number;
  readonly applicationName?: string;
  readonly startOptions?: string;
}

/** The PostgreSQL that the service starts itself. */
export interface EmbeddedDatabase {
  readonly kind: "embedded";
  readonly dataDir: string;
  readonly demoData: boolean;
}

/** Each of these says that there is a database to connect to. Pool size and certificates only say how. */
const selectingSettings: readonly Setting[] = [
  settings.databaseUrl,
  settings.databaseHost,
  settings.databasePort,
  settings.databaseUsername,
  settings.databasePassword,
  settings.databaseName,
  settings.databaseSslMode,
];

interface Choice<Database> {
  readonly chosen: Database;
  readonly preparedStatements: boolean;
  readonly warnings: readonly string[];
}

/** Decides which database to use, and warns of settings that then mean nothing. Relative paths start at `projectRoot`. */
export function chooseDatabase(
  given: readonly Given[],
  projectRoot: string,
): Choice<ExternalDatabase | EmbeddedDatabase> {
  if (given.some(({ setting }) => selectingSettings.includes(setting))) return external(given, projectRoot);
  const { value } = createLookup(given);
  const dataDir = resolve(projectRoot, value(settings.dataDir));
  const preparedStatements = value(settings.databasePreparedStatements);
  return {
    chosen: { kind: "embedded", dataDir, demoData: value(settings.demoData) },
    preparedStatements,
    warnings: [],
  };
}

function external(given: readonly Given[], projectRoot: string): Choice<ExternalDatabase> {
  const url = createLookup(given).optional(settings.databaseUrl);
  const overruled = url === undefined ? [] : settingsOverruledBy(url);
  const {
    value,
    optional,
    given: givenOne,
  } = createLookup(given.filter(({ setting }) => !overruled.includes(setting)));
  const {
    host,
    port,
    username,
    password,
    name,
    sslMode: _,
    sslCaFile: urlCaFile,
    hasSystemAuthorities: __,
    isPooled,
    warnings,
    ...rest
  } = url ?? {};

  const mode = url?.sslMode ?? value(settings.databaseSslMode);
  // As in libpq: an authority that is named is there to be checked against.
  const sslMode = urlCaFile !== undefined && mode === "require" ? "verify-ca" : mode;
  const sslCaFile = urlCaFile ?? optional(settings.databaseSslCaFile);
  const chosen: ExternalDatabase = {
    kind: "external",
    host: host ?? optional(settings.databaseHost) ?? "localhost",
    port: port ?? value(settings.databasePort),
    username: username ?? value(settings.databaseUsername),
    password: password ?? value(settings.databasePassword),
    name: name ?? value(settings.databaseName),
    sslMode,
    ...(sslCaFile === undefined ? {} : { sslCaFile: resolve(projectRoot, sslCaFile) }),
    ...rest,
  };
  const isPrepared = value(settings.databasePreparedStatements);
  return {
    chosen,
    // A pooler of today keeps them, although its URL says that it is one: the setting, if given, counts.
    preparedStatements:
      isPrepared && (isPooled !== true || givenOne(settings.databasePreparedStatements) !== undefined),
    warnings: [
      ...warnOfOverruled(given, overruled),
      ...warnOfUnusedCaFile(given, sslMode),
      ...(warnings ?? []).map((warning) => `${nameOfUrl(given)}: ${warning}`),
      ...(sslMode === "verify-ca" && sslCaFile === undefined ? [warningOfAnyServer] : []),
    ],
  };
}

const warningOfAnyServer =
  "sslmode verify-ca without a file of authorities accepts every server that has a public certificate: " +
  "name the file by APP_DATABASE_SSL_CA_FILE, or use verify-full";

/**
 * A URL is a whole address: a port that it leaves out is 5432, and not the port of some other address. Password and
 * protection, however, are often given apart from it, and still count if it leaves them out.
 */
function settingsOverruledBy(url: DatabaseUrl): readonly Setting[] {
  return [
    settings.databaseHost,
    settings.databasePort,
    settings.databaseUsername,
    settings.databaseName,
    ...(url.password === undefined ? [] : [settings.databasePassword]),
    ...(url.sslMode === undefined ? [] : [settings.databaseSslMode]),
    ...(url.sslCaFile === undefined && !url.hasSystemAuthorities ? [] : [settings.databaseSslCaFile]),
  ];
}

function warnOfOverruled(given: readonly Given[], overruled: readonly Setting[]): string[] {
  const ignored = given.filter(({ setting }) => overruled.includes(setting)).map(({ name }) => name);
  return ignored.length === 0 ? [] : [`${nameOfUrl(given)} is used; ignored: ${ignored.join(", ")}`];
}

function nameOfUrl(given: readonly Given[]): string | undefined {
  return createLookup(given).given(settings.databaseUrl)?.name;
}

function warnOfUnusedCaFile(given: readonly Given[], sslMode: SslMode): string[] {
  const caFile = createLookup(given).given(settings.databaseSslCaFile);
  if (caFile === undefined || sslMode === "verify-full" || sslMode === "verify-ca") return [];
  return [
    `${caFile.name} is ignored: certificates are checked with sslmode verify-ca and verify-full only, and it is ${sslMode}`,
  ];
}

import { resolve } from "node:path";
import type { DatabaseUrl, SslMode } from "./database-url.ts";
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

/** Decides which database to use, and warns of settings that then mean nothing. Relative paths start at `projectRoot`. */
export function chooseDatabase(
  given: readonly Given[],
  projectRoot: string,
): { chosen: ExternalDatabase | EmbeddedDatabase; warnings: readonly string[] } {
  if (given.some(({ setting }) => selectingSettings.includes(setting))) return external(given, projectRoot);
  const { value } = createLookup(given);
  const dataDir = resolve(projectRoot, value(settings.dataDir));
  return { chosen: { kind: "embedded", dataDir, demoData: value(settings.demoData) }, warnings: [] };
}

function external(
  given: readonly Given[],
  projectRoot: string,
): { chosen: ExternalDatabase; warnings: readonly string[] } {
  const url = createLookup(given).optional(settings.databaseUrl);
  const overruled = url === undefined ? [] : settingsOverruledBy(url);
  const { value, optional } = createLookup(given.filter(({ setting }) => !overruled.includes(setting)));

  const sslMode = url?.sslMode ?? value(settings.databaseSslMode);
  const sslCaFile = optional(settings.databaseSslCaFile);
  const chosen: ExternalDatabase = {
    kind: "external",
    host: url?.host ?? optional(settings.databaseHost) ?? "localhost",
    port: url?.port ?? value(settings.databasePort),
    username: url?.username ?? value(settings.databaseUsername),
    password: url?.password ?? value(settings.databasePassword),
    name: url?.name ?? value(settings.databaseName),
    sslMode,
    ...(sslCaFile === undefined ? {} : { sslCaFile: resolve(projectRoot, sslCaFile) }),
  };
  return { chosen, warnings: [...warnOfOverruled(given, overruled), ...warnOfUnusedCaFile(given, sslMode)] };
}

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
  ];
}

function warnOfOverruled(given: readonly Given[], overruled: readonly Setting[]): string[] {
  const ignored = given.filter(({ setting }) => overruled.includes(setting)).map(({ name }) => name);
  const urlName = createLookup(given).given(settings.databaseUrl)?.name;
  return ignored.length === 0 ? [] : [`${urlName} is used; ignored: ${ignored.join(", ")}`];
}

function warnOfUnusedCaFile(given: readonly Given[], sslMode: SslMode): string[] {
  const caFile = createLookup(given).given(settings.databaseSslCaFile);
  if (caFile === undefined || sslMode === "verify-full") return [];
  return [`${caFile.name} is ignored: certificates are checked with sslmode verify-full only, and it is ${sslMode}`];
}

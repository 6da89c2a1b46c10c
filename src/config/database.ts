import { resolve } from "node:path";
import type { DatabaseUrl, UrlParts } from "./database-url.ts";
import { database, demoData, fields, type Setting } from "./schema.ts";
import type { Values } from "./sources.ts";

/** A PostgreSQL server that runs elsewhere. A host that begins with `/` is a socket folder. */
export type ExternalDatabase = { readonly kind: "external" } & UrlParts &
  Required<Pick<UrlParts, "host" | "port" | "username" | "password" | "name" | "sslMode">>;

/** The PostgreSQL server that the service starts. */
export interface EmbeddedDatabase {
  readonly kind: "embedded";
  readonly dataDir: string;
  readonly demoData: boolean;
}

/** Chooses the database: an external one if a setting says where or how to connect, else the embedded one. */
export function chooseDatabase(values: Values, projectRoot: string): ExternalDatabase | EmbeddedDatabase {
  // A file of authorities says how to connect, but not that there is something to connect to.
  const { sslCaFile, ...selecting } = database;
  if (values.namesOf(Object.values(selecting)).length === 0) {
    const dataDir = resolve(projectRoot, values.get(fields.dataDir));
    return { kind: "embedded", dataDir, demoData: values.get(demoData) };
  }
  return chooseExternal(values, projectRoot);
}

/** Settings that have no effect on the chosen database, or leave a risk. */
export function databaseWarnings(values: Values, chosen: ExternalDatabase | EmbeddedDatabase): readonly string[] {
  if (chosen.kind === "embedded") return [];
  const { sslMode, sslCaFile } = chosen;
  const url = values.get(database.url);
  const urlName = values.nameOf(database.url);
  const caFileName = values.nameOf(database.sslCaFile);
  const overruled = values.namesOf(settingsOverruledBy(url));
  const checksCertificates = sslMode === "verify-ca" || sslMode === "verify-full";
  const warnings = [
    ...(url?.warnings ?? []).map((warning) => `${urlName}: ${warning}`),
    overruled.length > 0 && `${urlName} is used; ignored: ${overruled.join(", ")}`,
    caFileName !== undefined &&
      !checksCertificates &&
      `${caFileName} is ignored: certificates are checked with sslmode verify-ca and verify-full only, and it is ${sslMode}`,
    sslMode === "verify-ca" &&
      sslCaFile === undefined &&
      "sslmode verify-ca without a file of authorities accepts every server that has a public certificate: " +
        "name the file by APP_DATABASE_SSL_CA_FILE, or use verify-full",
  ];
  return warnings.filter((warning) => warning !== false);
}

function chooseExternal(values: Values, projectRoot: string): ExternalDatabase {
  const url = values.get(database.url);
  const { url: _, host = "localhost", sslCaFile, ...single } = values.without(settingsOverruledBy(url)).of(database);
  const { hasSystemAuthorities, isPooled, warnings, ...parts }: Partial<DatabaseUrl> = url ?? {};
  const chosen = { ...single, host, ...parts };
  const caFile = parts.sslCaFile ?? sslCaFile;
  // As in libpq, a URL that names a file of authorities requires verification against it.
  const isChecked = parts.sslCaFile !== undefined && chosen.sslMode === "require";
  return {
    kind: "external",
    ...chosen,
    sslMode: isChecked ? "verify-ca" : chosen.sslMode,
    ...(caFile !== undefined && { sslCaFile: resolve(projectRoot, caFile) }),
  };
}

/**
 * A URL is a complete address: a port that it leaves out is 5432, and not the port of some other address. Password and
 * TLS, however, are often given apart from it, and count if it leaves them out.
 */
function settingsOverruledBy(url: DatabaseUrl | undefined): readonly Setting[] {
  if (!url) return [];
  return [
    database.host,
    database.port,
    database.username,
    database.name,
    ...(url.password === undefined ? [] : [database.password]),
    ...(url.sslMode === undefined ? [] : [database.sslMode]),
    ...(url.sslCaFile === undefined && !url.hasSystemAuthorities ? [] : [database.sslCaFile]),
  ];
}

/** Modern poolers keep prepared statements although their URL says that they are poolers: the setting, if given, counts. */
export function usesPreparedStatements(values: Values): boolean {
  const setting = fields.databasePreparedStatements;
  const isPooled = values.get(database.url)?.isPooled === true;
  return values.get(setting) && (!isPooled || values.nameOf(setting) !== undefined);
}

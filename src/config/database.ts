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
  const { sslCaFile: _, ...selecting } = database;
  if (values.namesOf(Object.values(selecting)).length === 0) {
    const dataDir = resolve(projectRoot, values.get(fields.dataDir));
    return { kind: "embedded", dataDir, demoData: values.get(demoData) };
  }
  return chooseExternal(values, projectRoot);
}

function chooseExternal(values: Values, projectRoot: string): ExternalDatabase {
  const url = values.get(database.url);
  const overruled = settingsOverruledBy(url);
  const get = <T>(setting: Setting<T>) => (overruled.includes(setting) ? setting.defaultValue : values.get(setting));
  const { hasSystemAuthorities: _, isPooled: __, warnings: ___, ...parts } = url ?? {};
  const sslMode = url?.sslMode ?? get(database.sslMode);
  const caFile = url?.sslCaFile ?? get(database.sslCaFile);
  return {
    kind: "external",
    host: get(database.host) ?? "localhost",
    port: get(database.port),
    username: get(database.username),
    password: get(database.password),
    name: get(database.name),
    ...parts,
    // As in libpq, a URL that names a file of authorities asks for a check against it.
    sslMode: url?.sslCaFile !== undefined && sslMode === "require" ? "verify-ca" : sslMode,
    ...(caFile !== undefined && { sslCaFile: resolve(projectRoot, caFile) }),
  };
}

/**
 * A URL is a complete address: a port that it leaves out is 5432, and not the port of some other address. Password and
 * TLS, however, are often given apart from it, and count if it leaves them out.
 */
export function settingsOverruledBy(url: DatabaseUrl | undefined): readonly Setting[] {
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

/** Combinations of settings that are allowed, and in which a setting has no effect or leaves a risk. */
import { loopbackHost } from "../domain/loopback.ts";
import type { AuthChoice } from "./auth.ts";
import { type EmbeddedDatabase, type ExternalDatabase, settingsOverruledBy } from "./database.ts";
import { auth, database, fields } from "./schema.ts";
import type { Values } from "./sources.ts";

interface Chosen extends Omit<AuthChoice, "problems"> {
  readonly database: ExternalDatabase | EmbeddedDatabase;
  readonly rateLimits: { readonly callersPerAddress: number };
}

/** A sentence for the log about each of them. */
export function warningsOf(values: Values, config: Chosen): string[] {
  return [...databaseWarnings(values, config), ...authWarnings(values, config)];
}

function databaseWarnings(values: Values, { database: chosen }: Chosen): string[] {
  if (chosen.kind === "embedded") return [];
  const { sslMode, sslCaFile } = chosen;
  const url = values.get(database.url);
  const urlName = values.nameOf(database.url);
  const caFileName = values.nameOf(database.sslCaFile);
  const overruled = values.namesOf(settingsOverruledBy(url));
  const checksCertificates = sslMode === "verify-ca" || sslMode === "verify-full";
  const warnings = (url?.warnings ?? []).map((warning) => `${urlName}: ${warning}`);
  if (overruled.length > 0) warnings.push(`${urlName} is used; ignored: ${overruled.join(", ")}`);
  if (caFileName !== undefined && !checksCertificates) {
    warnings.push(
      `${caFileName} is ignored: certificates are checked with sslmode verify-ca and verify-full only, and it is ${sslMode}`,
    );
  }
  if (sslMode === "verify-ca" && sslCaFile === undefined) {
    warnings.push(
      "sslmode verify-ca without a file of authorities accepts every server that has a public certificate: " +
        "name the file by APP_DATABASE_SSL_CA_FILE, or use verify-full",
    );
  }
  return warnings;
}

function authWarnings(values: Values, { auth: chosen, host, whyLoopback, rateLimits }: Chosen): string[] {
  const warnings: string[] = [];
  if (host !== values.get(fields.host) && values.nameOf(fields.host) !== undefined) {
    warnings.push(`${values.nameOf(fields.host)} is ignored: ${whyLoopback}`);
  }
  if (chosen.mode !== "jwt") {
    for (const setting of [auth.issuer, auth.audience, auth.jwksUrl, auth.publicKey]) {
      const name = values.nameOf(setting);
      if (name !== undefined) warnings.push(`${name} is ignored: it applies with APP_AUTH_MODE=jwt only`);
    }
    return warnings;
  }
  if (rateLimits.callersPerAddress === 0) {
    warnings.push(
      "APP_RATE_LIMIT_ADDRESS_FACTOR is 0: nothing limits unauthenticated calls, nor how many bad tokens are tried",
    );
  }
  if ("url" in chosen.keys && isInterceptable(chosen.keys.url)) {
    warnings.push("APP_AUTH_JWKS_URL is not https: an attacker on the network path can replace the keys");
  }
  return warnings;
}

function isInterceptable({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && !loopbackHost.test(hostname.replaceAll(/[[\]]/g, ""));
}

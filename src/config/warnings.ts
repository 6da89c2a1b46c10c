/** Combinations of settings that are allowed, and in which a setting has no effect or leaves a risk. */
import { loopbackHost } from "../domain/address.ts";
import type { AuthChoice } from "./auth.ts";
import { type EmbeddedDatabase, type ExternalDatabase, settingsOverruledBy } from "./database.ts";
import { auth, database, fields } from "./schema.ts";
import type { Values } from "./sources.ts";

interface Chosen extends Omit<AuthChoice, "problems"> {
  readonly database: ExternalDatabase | EmbeddedDatabase;
  readonly rateLimits: { readonly callersPerAddress: number };
}

/** A sentence for the log about each of them. */
export function warningsOf(values: Values, chosen: Chosen): string[] {
  const warnings = [...databaseWarnings(values, chosen), ...authWarnings(values, chosen)];
  return warnings.filter((warning) => typeof warning === "string");
}

function databaseWarnings(values: Values, { database: chosen }: Chosen): (string | false)[] {
  if (chosen.kind === "embedded") return [];
  const { sslMode, sslCaFile } = chosen;
  const url = values.get(database.url);
  const urlName = values.nameOf(database.url);
  const caFileName = values.nameOf(database.sslCaFile);
  const overruled = values.namesOf(settingsOverruledBy(url));
  const checksCertificates = sslMode === "verify-ca" || sslMode === "verify-full";
  return [
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
}

function authWarnings(values: Values, { auth: chosen, host, whyLoopback, rateLimits }: Chosen): (string | false)[] {
  const hostName = values.nameOf(fields.host);
  const hostWarning =
    hostName !== undefined && host !== values.get(fields.host) && `${hostName} is ignored: ${whyLoopback}`;
  if (chosen.mode !== "jwt") {
    const unused = values.namesOf([auth.issuer, auth.audience, auth.jwksUrl, auth.publicKey]);
    return [hostWarning, ...unused.map((name) => `${name} is ignored: it applies with APP_AUTH_MODE=jwt only`)];
  }
  return [
    rateLimits.callersPerAddress === 0 &&
      "APP_RATE_LIMIT_ADDRESS_FACTOR is 0: nothing limits unauthenticated calls, nor how many bad tokens are tried",
    "url" in chosen.keys &&
      isInterceptable(chosen.keys.url) &&
      "APP_AUTH_JWKS_URL is not https: an attacker on the network path can replace the keys",
  ];
}

function isInterceptable({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && !loopbackHost.test(hostname.replaceAll(/[[\]]/g, ""));
}

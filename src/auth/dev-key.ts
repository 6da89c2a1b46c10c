/** A key of the service's own, to try tokens out with: never for a service that others can reach. */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTVerifyGetKey, SignJWT } from "jose";
import type { TokenRules } from "./tokens.ts";

/** What tokens of the mode `dev` say and are held to. */
export const devRules: TokenRules = {
  issuer: "frontrow-dev",
  audience: "frontrow",
  algorithms: ["EdDSA"],
  clockToleranceMs: 5_000,
  scopeClaims: ["scope"],
};

const algorithm = "EdDSA";

/** The key in a data folder, made at the first use. */
async function readOrMakeKey(dataDir: string): Promise<JWK> {
  const file = join(dataDir, "dev-token-key.json");
  const stored = await readFile(file, "utf8").catch(() => undefined);
  if (stored !== undefined) return JSON.parse(stored) as JWK;
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  await mkdir(dataDir, { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(await exportJWK(privateKey)), { mode: 0o600 });
  try {
    // Unlike a rename it leaves the key alone that another process may have made meanwhile.
    await link(draft, file);
  } catch {
    // There is one now.
  } finally {
    await rm(draft);
  }
  return JSON.parse(await readFile(file, "utf8")) as JWK;
}

/** The key to verify the folder's tokens with. */
export async function devVerificationKey(dataDir: string): Promise<JWTVerifyGetKey> {
  const { d: _, ...publicPart } = await readOrMakeKey(dataDir);
  const key = await importJWK(publicPart, algorithm);
  return () => key;
}

/** A token that a service in the mode `dev` on this data folder takes. */
export async function signDevToken(
  dataDir: string,
  { subject, scope, lifetime }: { readonly subject: string; readonly scope: string; readonly lifetime: string },
): Promise<string> {
  const key = await importJWK(await readOrMakeKey(dataDir), algorithm);
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: algorithm })
    .setSubject(subject)
    .setIssuer(devRules.issuer)
    .setAudience(devRules.audience)
    .setIssuedAt()
    .setExpirationTime(lifetime)
    .sign(key);
}

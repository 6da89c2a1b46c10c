/** A signing key in the data folder, for trying tokens out. Not for a service that other machines can reach. */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTVerifyGetKey, SignJWT } from "jose";
import type { TokenRules } from "./tokens.ts";

/** The rules for tokens of the mode `dev`. */
export const devRules: TokenRules = {
  issuer: "frontrow-dev",
  audiences: ["frontrow"],
  algorithms: ["EdDSA"],
  clockToleranceMs: 5_000,
  scopeClaims: ["scope"],
};

const algorithm = "EdDSA";

/** Reads the key in a data folder, which the first use creates. */
async function readOrCreateKey(dataDir: string): Promise<JWK> {
  const file = join(dataDir, "dev-token-key.json");
  const stored = await readFile(file, "utf8").catch(() => undefined);
  if (stored !== undefined) return JSON.parse(stored) as JWK;
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  await mkdir(dataDir, { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(await exportJWK(privateKey)), { mode: 0o600 });
  try {
    // Unlike a rename, it keeps a key that another process has created meanwhile.
    await link(draft, file);
  } catch {
    // Another process has created the key.
  } finally {
    await rm(draft);
  }
  return JSON.parse(await readFile(file, "utf8")) as JWK;
}

/** The public key that verifies the folder's tokens. */
export async function devVerificationKey(dataDir: string): Promise<JWTVerifyGetKey> {
  const { d: _, ...publicPart } = await readOrCreateKey(dataDir);
  const key = await importJWK(publicPart, algorithm);
  return () => key;
}

/** Signs a token for a service in the mode `dev` on this data folder. */
export async function signDevToken(
  dataDir: string,
  { subject, scope, lifetime }: { readonly subject: string; readonly scope: string; readonly lifetime: string },
): Promise<string> {
  const key = await importJWK(await readOrCreateKey(dataDir), algorithm);
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: algorithm })
    .setSubject(subject)
    .setIssuer(devRules.issuer)
    .setAudience([...devRules.audiences])
    .setIssuedAt()
    .setExpirationTime(lifetime)
    .sign(key);
}

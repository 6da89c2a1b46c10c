import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ignoreEvents } from "../domain/publish.ts";
import { devRules, devVerificationKey, signDevToken } from "./dev-key.ts";
import { createTokenVerifier } from "./tokens.ts";

const fileName = "dev-token-key.json";
const nora = { subject: "nora", scope: "bookings:read bookings:write", lifetime: "1h" };

let folder: string;
/** Does not exist yet: the first use creates it. */
let dataDir: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frontrow-dev-key-"));
  dataDir = join(folder, "new", "data");
});
afterEach(() => rm(folder, { recursive: true }));

/** Verifies as a service that starts now on the folder. */
const verifyAnew = async (token: string) =>
  createTokenVerifier(devRules, await devVerificationKey(dataDir), ignoreEvents).verify(token);

test("a signed token has its subject, scopes and lifetime", async () => {
  const token = await signDevToken(dataDir, nora);
  expect(await verifyAnew(token)).toMatchObject({
    subject: "nora",
    scopes: new Set(["bookings:read", "bookings:write"]),
  });
  expect(decodeProtectedHeader(token)).toEqual({ alg: "EdDSA" });
  const { iat = 0, exp = 0 } = decodeJwt(token);
  expect(exp - iat).toBe(3_600);
});

test("only the owner of the process can read the key, and no draft stays in the folder", async () => {
  await signDevToken(dataDir, nora);
  expect(await readdir(dataDir)).toEqual([fileName]);
  expect((await stat(join(dataDir, fileName))).mode & 0o777).toBe(0o600);
});

test("the key stays the same after its first use", async () => {
  await devVerificationKey(dataDir);
  const key = await readFile(join(dataDir, fileName), "utf8");
  const token = await signDevToken(dataDir, nora);
  await verifyAnew(token);
  expect(await readFile(join(dataDir, fileName), "utf8")).toBe(key);
});

test("concurrent first uses create one key", async () => {
  const tokens = await Promise.all(Array.from({ length: 12 }, () => signDevToken(dataDir, nora)));
  for (const token of tokens) expect(await verifyAnew(token)).toMatchObject({ subject: "nora" });
  expect(await readdir(dataDir)).toEqual([fileName]);
});

test("tokens of another folder are rejected", async () => {
  const token = await signDevToken(join(folder, "other"), nora);
  await expect(verifyAnew(token)).rejects.toMatchObject({ failure: { reason: "UNAUTHENTICATED" } });
});

test("the verification key cannot sign", async () => {
  const key = await devVerificationKey(dataDir);
  expect(await key({ alg: "EdDSA" }, { payload: "", signature: "" })).toMatchObject({
    type: "public",
    usages: ["verify"],
  });
});

/**
 * Prints a token for a service in the mode `dev`, of a user (`--sub alice --scope "bookings:read bookings:write"`) or of a
 * shop's backend (`--sub shop --scope bookings:confirm`).
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError, loadConfig } from "../config/load.ts";
import { signDevToken } from "./dev-key.ts";

const usage = 'npm run -s dev-token -- --sub alice --scope "bookings:read bookings:write" [--expires 1h]';
const projectRoot = join(import.meta.dirname, "..", "..");
const readFile = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);

try {
  const { sub = "", scope = "", expires } = readFlags();
  if (sub === "") throw new ConfigError([`--sub is missing: ${usage}`]);
  const { config } = loadConfig({ argv: [], env: process.env, readFile, projectRoot });
  const token = await signDevToken(config.dataDir, { subject: sub, scope, lifetime: expires });
  process.stdout.write(`${token}\n`);
} catch (error) {
  process.stderr.write(`frontrow: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}

function readFlags() {
  const text = { type: "string" } as const;
  try {
    return parseArgs({ options: { sub: text, scope: text, expires: { ...text, default: "1h" } } }).values;
  } catch (error) {
    throw new ConfigError([`${error instanceof Error ? error.message : error}: ${usage}`]);
  }
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { migrateDatabase, PortError, startApp } from "./app.ts";
import { type Config, ConfigError, helpText, loadConfig } from "./config.ts";
import { DatabaseUnreachableError } from "./database.ts";
import { createLogger } from "./log.ts";
import { EmbeddedPostgresError } from "./postgres/embedded.ts";

const projectRoot = join(import.meta.dirname, "..");
const readFile = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);

/** Errors that a person can mend: their sentence is enough. */
const explained = [ConfigError, DatabaseUnreachableError, EmbeddedPostgresError, PortError];

try {
  const { config, warnings } = loadConfig({ argv: process.argv.slice(2), env: process.env, readFile, projectRoot });
  await run(config, warnings);
} catch (error) {
  const isExplained = error instanceof Error && explained.some((type) => error instanceof type);
  process.stderr.write(`frontrow: ${isExplained ? error.message : describe(error)}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}

async function run(config: Config, warnings: readonly string[]): Promise<void> {
  if (config.command === "help") return void process.stdout.write(helpText());
  if (config.command === "version") return void process.stdout.write(`frontrow ${version()}\n`);
  const logger = createLogger({ level: config.logLevel });
  for (const warning of warnings) logger.warn(warning);
  const stopping = new AbortController();
  // A signal to the process group arrives twice under npm, so a second one must not cut the drain short.
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stopping.abort(new Error(name)));
  if (config.command === "migrate") return await migrateDatabase(config, logger, stopping.signal);

  const app = await startApp(config, logger, stopping.signal);
  const { restPort, grpcPort } = app;
  logger.info({ host: config.host, restPort, grpcPort }, "Frontrow is open: every protocol on both ports");
  logger.info(`try: curl http://localhost:${restPort}/api/v1/concerts`);
  const stopped = new Promise<undefined>((resolve) => {
    stopping.signal.addEventListener("abort", () => resolve(undefined), { once: true });
    if (stopping.signal.aborted) resolve(undefined);
  });
  const failure = await Promise.race([app.failed, stopped]);
  logger.info(failure ? { err: failure } : {}, failure ? "cannot go on; closing" : "draining");
  await app.close();
  logger.info("closed");
  if (failure) process.exitCode = 1;
}

function version(): string {
  return JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")).version;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

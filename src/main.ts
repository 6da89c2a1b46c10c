import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type App, migrateDatabase, PortError, startApp } from "./app.ts";
import { type Config, ConfigError, helpText, loadConfig } from "./config.ts";
import { DatabaseUnreachableError } from "./database.ts";
import { TokenKeyError } from "./identity/keys.ts";
import { createLogger, type Logger } from "./log.ts";
import { EmbeddedPostgresError } from "./postgres/embedded.ts";
import { ServerVersionError } from "./store/server-version.ts";

const projectRoot = join(import.meta.dirname, "..");
const readFile = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);

/** Errors that a person can mend: their sentence is enough. */
const explained = [
  ConfigError,
  DatabaseUnreachableError,
  EmbeddedPostgresError,
  PortError,
  ServerVersionError,
  TokenKeyError,
];

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
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => stopping.abort(new Error(name)));
  const endStart = (error: unknown) => {
    if (!stopping.signal.aborted) throw error;
    logger.info("stopped during the start");
    // A migration that was not done must not pass for one.
    if (config.command === "migrate") process.exitCode = 1;
  };
  if (config.command === "migrate") return await migrateDatabase(config, logger, stopping.signal).catch(endStart);
  const app = await startApp(config, logger, stopping.signal).catch(endStart);
  if (app) await serve(app, config, logger, stopping.signal);
}

/** Runs until told to stop, or until it cannot go on. */
async function serve(app: App, { host, whyLoopback }: Config, logger: Logger, stop: AbortSignal): Promise<void> {
  const { restPort, grpcPort } = app;
  logger.info({ host, restPort, grpcPort }, "Frontrow is open: every protocol on both ports");
  logger.info(`try: curl http://localhost:${restPort}/api/v1/concerts`);
  if (whyLoopback !== undefined) logger.info(whyLoopback);
  const stopped = new Promise<undefined>((resolve) => {
    stop.addEventListener("abort", () => resolve(undefined), { once: true });
    if (stop.aborted) resolve(undefined);
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

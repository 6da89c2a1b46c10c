import "./shell-variables.ts";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type App, migrateDatabase, PortError, startApp } from "./app.ts";
import { TokenKeyError } from "./auth/jwks.ts";
import { type Config, ConfigError, helpText, loadConfig } from "./config/load.ts";
import { DatabaseSetupError, DatabaseUnreachableError } from "./database.ts";
import { describeCauses } from "./domain/causes.ts";
import { EmbeddedPostgresError } from "./postgres/embedded.ts";
import { MigrationError } from "./store/migrate.ts";
import { createLogger, type Logger } from "./telemetry/log.ts";

/** docs/operations.md explains them. */
const exitCodes = { failed: 1, misconfigured: 2, cutOff: 3 } as const;
/** How much longer than the delay and the grace period closing may take, whatever hangs. */
const closeLimitMs = 10_000;
/** What still runs once everything is closed, such as a connection attempt to a dead network, may take this long. */
const lingerMs = 1_000;

const projectRoot = join(import.meta.dirname, "..");
const readFile = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);

/** Errors that a person can mend: their sentence is enough. */
const explained = [
  ConfigError,
  DatabaseSetupError,
  DatabaseUnreachableError,
  EmbeddedPostgresError,
  MigrationError,
  PortError,
  TokenKeyError,
];

try {
  const { config, warnings } = loadConfig({ argv: process.argv.slice(2), env: process.env, readFile, projectRoot });
  await run(config, warnings);
} catch (error) {
  process.stderr.write(`frontrow: ${describe(error)}\n`);
  process.exitCode = error instanceof ConfigError ? exitCodes.misconfigured : exitCodes.failed;
} finally {
  setTimeout(() => process.exit(), lingerMs).unref();
}

async function run(config: Config, warnings: readonly string[]): Promise<void> {
  if (config.command === "help") return void process.stdout.write(helpText());
  if (config.command === "version") return void process.stdout.write(`frontrow ${version()}\n`);
  const logger = createLogger({ level: config.logLevel });
  for (const warning of warnings) logger.warn(warning);
  const stopping = new AbortController();
  // A signal to the process group arrives twice under npm, so a second one must not cut the drain short.
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => stopping.abort(new Error(name)));
  // Of rejections that are not handled too.
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "an unforeseen error; closing");
    process.exitCode = exitCodes.failed;
    stopping.abort(error);
  });
  const endStart = (error: unknown) => {
    if (!stopping.signal.aborted) throw error;
    logger.info("stopped during the start");
    // A migration that was not done must not pass for one.
    if (config.command === "migrate") process.exitCode = exitCodes.failed;
  };
  if (config.command === "migrate") return await migrateDatabase(config, logger, stopping.signal).catch(endStart);
  const app = await startApp(config, logger, stopping.signal).catch(endStart);
  if (app) await serve(app, config, logger, stopping.signal);
}

/** Runs until told to stop, or until it cannot go on. */
async function serve(app: App, config: Config, logger: Logger, stop: AbortSignal): Promise<void> {
  const { restPort, grpcPort } = app;
  const { host, whyLoopback } = config;
  logger.info({ host, restPort, grpcPort }, "Frontrow is open: every protocol on both ports");
  logger.info(`try: curl http://localhost:${restPort}/api/v1/concerts`);
  if (whyLoopback !== undefined) logger.info(whyLoopback);
  const stopped = new Promise<undefined>((resolve) => {
    stop.addEventListener("abort", () => resolve(undefined), { once: true });
    if (stop.aborted) resolve(undefined);
  });
  const failure = await Promise.race([app.failed, stopped]);
  if (failure) logger.fatal({ err: failure }, "cannot go on; closing");
  else logger.info("draining");
  if (failure) process.exitCode = exitCodes.failed;
  await close(app, config, logger, process.exitCode !== undefined);
}

/** Closes the service. Nothing that hangs keeps the process, whose exit status then says so. */
async function close(app: App, config: Config, logger: Logger, atOnce: boolean): Promise<void> {
  const limit = setTimeout(
    () => {
      logger.fatal("closing took too long; ending");
      process.exit(process.exitCode ?? exitCodes.cutOff);
    },
    config.shutdownDelayMs + config.shutdownTimeoutMs + closeLimitMs,
  );
  const isInOrder = await app.close({ atOnce });
  clearTimeout(limit);
  if (isInOrder) {
    logger.info("closed");
  } else {
    process.exitCode ??= exitCodes.cutOff;
    logger.fatal("closed, but transactions or database connections had to be cut off");
  }
}

function version(): string {
  return JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")).version;
}

/** What a person needs who starts the service. Errors that are none of these have no words for people: their stack helps. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (explained.some((type) => error instanceof type)) return error.message;
  const causes = describeCauses(error);
  return causes.includes("SQLSTATE") ? `the database failed: ${causes}` : (error.stack ?? error.message);
}

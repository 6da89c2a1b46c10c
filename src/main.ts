/** The program: reads the settings, then serves or migrates. docs/operations.md explains its signals and exit codes. */
import "./node-version.js";
import "./config/shell-variables.ts";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type App, startApp } from "./app.ts";
import { programCloseMs } from "./close-limits.ts";
import { type Config, ConfigError, helpText, loadConfig } from "./config/load.ts";
import { migrateDatabase } from "./database.ts";
import { describeError } from "./describe-error.ts";
import { createLogger, type Logger } from "./telemetry/log.ts";
import { startPrimary } from "./workers/primary.ts";

const exitCodes = { failed: 1, misconfigured: 2, cutOff: 3 } as const;
/** How long the process may run after everything is closed, for instance for an attempt to connect to a dead network. */
const lingerMs = 1_000;

const projectRoot = join(import.meta.dirname, "..");
/** What was read of each file, for the workers. */
const files: Record<string, string | null> = {};
function readFile(path: string): string | undefined {
  const text = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  files[path] = text ?? null;
  return text;
}

try {
  const { config, warnings } = loadConfig({ argv: process.argv.slice(2), env: process.env, readFile, projectRoot });
  if (config.command === "help") process.stdout.write(helpText());
  else if (config.command === "version") process.stdout.write(`frontrow ${version()}\n`);
  else await run(config, warnings);
} catch (error) {
  process.stderr.write(`frontrow: ${describeError(error)}\n`);
  process.exitCode = error instanceof ConfigError ? exitCodes.misconfigured : exitCodes.failed;
} finally {
  setTimeout(() => process.exit(), lingerMs).unref();
}

async function run(config: Config, warnings: readonly string[]): Promise<void> {
  const logger = createLogger({ level: config.logLevel });
  for (const warning of warnings) logger.warn(warning);
  const stopping = new AbortController();
  const { signal } = stopping;
  // Under npm a signal to the process group arrives twice, so a second one must not cut the drain short.
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => stopping.abort(new Error(name)));
  // Includes unhandled rejections.
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "an unforeseen error; closing");
    process.exitCode = exitCodes.failed;
    stopping.abort(error);
  });
  const endStart = (error: unknown) => {
    if (!signal.aborted) {
      // For what reads the log only. On a terminal it would repeat the sentence on standard error.
      if (!process.stdout.isTTY) logger.fatal({ error: describeError(error) }, "the start has failed; ending");
      throw error;
    }
    logger.info("stopped during the start");
    // An interrupted migration must not count as done.
    if (config.command === "migrate") process.exitCode = exitCodes.failed;
  };
  if (config.command === "migrate") return await migrateDatabase(config, logger, signal).catch(endStart);
  const starting = config.workers > 1 ? startPrimary(config, logger, signal, files) : startApp(config, logger, signal);
  const app = await starting.catch(endStart);
  if (app) await serve(app, config, logger, signal);
}

/** Serves until the signal aborts or the service fails, then closes it within a limit. */
async function serve(app: App, config: Config, logger: Logger, signal: AbortSignal): Promise<void> {
  const { restPort, grpcPort, metricsPort } = app;
  const { host, whyLoopback, workers } = config;
  logger.info(
    { host, restPort, grpcPort, metricsPort, ...(workers > 1 && { workers }) },
    "Frontrow is open: every protocol on both ports",
  );
  logger.info(`try: curl http://localhost:${restPort}/api/v1/concerts`);
  if (whyLoopback !== undefined) logger.info(whyLoopback);
  const failure = await Promise.race([app.failed, aborted(signal)]);
  if (failure) logger.fatal({ err: failure }, "cannot go on; closing");
  else logger.info("draining");
  if (failure) process.exitCode = exitCodes.failed;

  const endAtOnce = () => {
    logger.fatal("closing took too long; ending");
    process.exit(process.exitCode ?? exitCodes.cutOff);
  };
  const limit = setTimeout(endAtOnce, config.shutdownDelayMs + config.shutdownTimeoutMs + programCloseMs(config));
  const isInOrder = await app.close({ atOnce: process.exitCode !== undefined });
  clearTimeout(limit);
  if (isInOrder) return logger.info("closed");
  process.exitCode ??= exitCodes.cutOff;
  logger.fatal("closed, but transactions or database connections had to be cut off");
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    if (signal.aborted) resolve(undefined);
  });
}

function version(): string {
  return JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")).version;
}

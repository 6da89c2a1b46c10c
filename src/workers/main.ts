/** The program of a worker process: it serves from the database that the primary has prepared, until the primary stops it. */
import "../node-version.js";
import "../config/shell-variables.ts";
import { join } from "node:path";
import { serviceCloseMs } from "../close-limits.ts";
import { type Config, loadConfig } from "../config/load.ts";
import { openStore } from "../database.ts";
import { describeError } from "../describe-error.ts";
import { createHost } from "../host.ts";
import { addMetrics } from "../open-metrics.ts";
import { type Service, startService } from "../service.ts";
import { createLogger, type Logger } from "../telemetry/log.ts";
import { openTracing } from "../telemetry/tracing/index.ts";
import { showLife } from "./life.ts";
import { linkToPrimary } from "./link-to-primary.ts";
import type { StartOrder } from "./messages.ts";
import { answerMetrics } from "./metrics.ts";
import { workersListen } from "./ports.ts";
import { shareConnectionLimit, shareRateLimits } from "./shared-limits.ts";
import { shareConfig } from "./shares.ts";

const exitCodes = { failed: 1, cutOff: 3 } as const;

// The primary stops its workers. A signal to the whole process group must not end them before it has.
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => {});

const primary = linkToPrimary();
showLife(primary);
const stopping = Promise.withResolvers<void>();
const databaseFailed = Promise.withResolvers<void>();
let atOnce = false;
primary.on("stop", (order) => {
  atOnce ||= order.atOnce;
  if (atOnce) databaseFailed.resolve();
  stopping.resolve();
});
primary.on("start", (order) => void run(order));

async function run({ worker, workers, ports, files, address }: StartOrder): Promise<void> {
  try {
    const readFile = (path: string) => files[path] ?? undefined;
    const projectRoot = join(import.meta.dirname, "..", "..");
    const loaded = loadConfig({ argv: process.argv.slice(2), env: process.env, readFile, projectRoot });
    const config = { ...shareConfig({ ...loaded.config, workers }), ...(workersListen && ports) };
    const logger = createLogger({ level: config.logLevel }).child({ worker });
    // Before the listener of `node:cluster`, which ends the process.
    process.prependListener("disconnect", () => logger.fatal("the primary process has ended; ending"));
    const failure = unforeseenError(logger);
    await using starting = new AsyncDisposableStack();
    const host = createHost(config, logger, new AbortController().signal, starting);
    const beginTrace = await openTracing(config.tracing, host, starting);
    const metrics = addMetrics(config, host);
    // The primary asks the workers that serve.
    if (metrics) answerMetrics(primary, metrics.registry);
    const service = await startService(config, host, {
      store: openStore(config, address, host),
      failed: databaseFailed.promise,
      ...{ beginTrace, metrics, checksInventory: metrics !== undefined && worker === 1 },
      sharesPorts: workersListen,
      connectionLimit: shareConnectionLimit(primary, host.publish),
      shareRates: (own) => shareRateLimits(own, primary, host.publish),
    });
    await primary.send({ type: "serving", restPort: service.restPort, grpcPort: service.grpcPort });
    await Promise.race([stopping.promise, failure]);
    await close(service, config, logger);
  } catch (error) {
    await primary.send({ type: "failed", sentence: describeError(error) });
    process.exit(exitCodes.failed);
  }
}

/** Resolves when an error was handled by nothing, which is logged. Includes unhandled rejections. */
function unforeseenError(logger: Logger): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "an unforeseen error; closing");
    process.exitCode = exitCodes.failed;
    atOnce = true;
    resolve();
  });
  return promise;
}

async function close(service: Service, config: Config, logger: Logger): Promise<void> {
  const endAtOnce = () => {
    logger.fatal("closing took too long; ending");
    process.exit(process.exitCode ?? exitCodes.cutOff);
  };
  setTimeout(endAtOnce, config.shutdownDelayMs + config.shutdownTimeoutMs + serviceCloseMs);
  const isInOrder = await service.close({ atOnce });
  process.exit(process.exitCode ?? (isInOrder ? 0 : exitCodes.cutOff));
}

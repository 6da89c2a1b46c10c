/** The composition root of one process that does everything: the database first, then what serves. */
import type { Logger } from "pino";
import type { Config } from "./config/load.ts";
import { prepareDatabase } from "./database.ts";
import { createHost } from "./host.ts";
import { type Service, startService } from "./service.ts";

/** The running service. */
export interface App extends Pick<Service, "restPort" | "grpcPort" | "close"> {
  /** Resolves with the reason if the service cannot go on. */
  readonly failed: Promise<Error>;
}

/** Starts the service. If a part fails to start, those that have started are stopped. */
export async function startApp(config: Config, logger: Logger, signal: AbortSignal): Promise<App & Service> {
  await using starting = new AsyncDisposableStack();
  const host = createHost(logger, signal, starting);
  const { store, failed } = await prepareDatabase(config, host);
  return { ...(await startService(config, host, { store, failed })), failed };
}

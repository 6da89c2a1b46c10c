/** What the parts of the service get from their process. */
import type { Logger } from "pino";
import type { Config } from "./config/load.ts";
import { type AppEvents, createEventHub, type EventHub } from "./telemetry/events.ts";
import { limitLines } from "./telemetry/limited-log.ts";
import { logEvents } from "./telemetry/log-events.ts";

/** What the parts get from the process, and the stack that owns them. */
export interface Host extends EventHub<AppEvents> {
  readonly logger: Logger;
  /** Cancels the start. */
  readonly signal: AbortSignal;
  readonly stack: AsyncDisposableStack;
}

/** Creates the hub of events, with the log as its subscriber. */
export function createHost(
  config: Pick<Config, "logUserIds">,
  logger: Logger,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Host {
  const { log } = stack.use(limitLines(logger));
  const hub = createEventHub<AppEvents>((err, name) =>
    log("error", `an observer of ${name}`, () => ({ event: name, err }), "an observer of an event failed"),
  );
  stack.use(logEvents(hub, logger, config.logUserIds));
  return { ...hub, logger, signal, stack };
}

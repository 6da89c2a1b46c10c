/** What the parts of the service get from their process. */
import type { Logger } from "pino";
import type { Publish } from "./domain/publish.ts";
import { type AppEvents, createEventHub } from "./telemetry/events.ts";
import { logEvents } from "./telemetry/log-events.ts";

/** What the parts get from the process, and the stack that owns them. */
export interface Host {
  readonly logger: Logger;
  readonly publish: Publish<AppEvents>;
  /** Cancels the start. */
  readonly signal: AbortSignal;
  readonly stack: AsyncDisposableStack;
}

/** Creates the hub of events, with the log as its subscriber. */
export function createHost(logger: Logger, signal: AbortSignal, stack: AsyncDisposableStack): Host {
  const hub = createEventHub<AppEvents>((err) => logger.error({ err }, "an observer of an event failed"));
  stack.use(logEvents(hub, logger));
  return { logger, publish: hub.publish, signal, stack };
}

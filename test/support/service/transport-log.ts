/** Publishes to a log alone. */
import type { Publish } from "../../../src/domain/publish.ts";
import { type AppEvents, createEventHub } from "../../../src/telemetry/events.ts";
import type { Logger } from "../../../src/telemetry/log.ts";
import { logEvents } from "../../../src/telemetry/log-events.ts";

export function publishToLog(logger: Logger): Publish<AppEvents> {
  const hub = createEventHub<AppEvents>((error) => logger.error({ err: error }, "a listener of events failed"));
  logEvents(hub, logger);
  return hub.publish;
}

/** Publishes what src/transport publishes to a log alone. */
import type { Publish } from "../../src/domain/publish.ts";
import { createEventHub } from "../../src/telemetry/events.ts";
import type { Logger } from "../../src/telemetry/log.ts";
import { logTransport } from "../../src/telemetry/transport-log.ts";
import type { TransportEvents } from "../../src/transport/events.ts";

export function publishToLog(logger: Logger): Publish<TransportEvents> {
  const hub = createEventHub<TransportEvents>((error) => logger.error({ err: error }, "a listener of events failed"));
  logTransport(hub, logger);
  return hub.publish;
}

/** Logs what src/transport publishes. */
import type { Logger } from "pino";
import { describeCauses } from "../domain/causes.ts";
import type { TransportEvents } from "../transport/events.ts";
import type { EventHub } from "./events.ts";

/** Subscribes the log to the events of the transport. */
export function logTransport({ subscribe }: Pick<EventHub<TransportEvents>, "subscribe">, logger: Logger): void {
  subscribe("transport.connections_refused", (refused) => {
    logger.warn(refused, "connections were refused: there are too many");
  });
  subscribe("transport.accept_failed", ({ error }) => {
    logger.warn({ err: error }, "a connection could not be accepted");
  });
  subscribe("transport.readiness_changed", ({ state, reason, cause }) => {
    if (reason === undefined) logger.info({ state }, state === "draining" ? "not ready: about to stop" : state);
    else logger.warn({ state, cause: describeCauses(cause) || undefined }, `not ready: ${reason}`);
  });
  subscribe("transport.request_failed", ({ error, ...request }) => {
    logger.error({ err: error, ...request }, "a request failed for an unforeseen reason");
  });
  subscribe("transport.call_failed", ({ error, method }) => {
    logger.error({ err: error, method }, "a call failed for an unforeseen reason");
  });
  subscribe("transport.response_failed", ({ error, method, isClientGone }) => {
    logger[isClientGone ? "debug" : "warn"]({ err: error, method }, "a response could not be written");
  });
}

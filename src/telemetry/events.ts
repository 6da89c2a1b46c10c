/** The seam between what happens in the service and what observes it: the log, metrics, traces. */
import type { AuthEvents } from "../auth/events.ts";
import type { BookingEvents } from "../booking/events.ts";
import type { ConcertEvents } from "../concerts/events.ts";
import type { Publish } from "../domain/publish.ts";
import type { LimitEvents } from "../limits/events.ts";
import type { RpcEvents } from "../rpc/events.ts";
import type { StoreEvents } from "../store/events.ts";
import type { TransportEvents } from "../transport/events.ts";
import type { WorkerEvents } from "../workers/events.ts";

/** What the telemetry publishes of itself. */
export interface TelemetryEvents {
  /** Lines of the log were left out, because too many of their kind were due. */
  readonly "telemetry.log_lines_dropped": { readonly lines: number };
  /** Spans were dropped, because the queue was full or the receiver did not take them. */
  readonly "telemetry.spans_dropped": {
    readonly spans: number;
    readonly reason: "queue_full" | "export_failed";
    readonly error: unknown;
  };
}

/** Everything that the service publishes. */
export type AppEvents = AuthEvents &
  BookingEvents &
  ConcertEvents &
  LimitEvents &
  RpcEvents &
  StoreEvents &
  TelemetryEvents &
  TransportEvents &
  WorkerEvents;

/** Typed events of one process. `Events` maps the names of events to their fields. */
export interface EventHub<Events> {
  readonly publish: Publish<Events>;
  /** Calls the listener for each event of this name, in the publisher's turn, until the result is disposed of. */
  subscribe<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Disposable;
}

/** Creates a hub. The error of a listener goes to `onListenerError`. The publisher and the other listeners continue. */
export function createEventHub<Events>(
  onListenerError: (error: unknown, name: keyof Events) => void,
): EventHub<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>();
  return {
    publish(name, event) {
      const ofName = listeners.get(name);
      if (ofName === undefined) return;
      for (const listener of ofName) {
        try {
          listener(event as never);
        } catch (error) {
          onListenerError(error, name);
        }
      }
    },
    subscribe(name, listener) {
      const ofName = listeners.getOrInsertComputed(name, () => new Set());
      ofName.add(listener);
      return { [Symbol.dispose]: () => void ofName.delete(listener) };
    },
  };
}

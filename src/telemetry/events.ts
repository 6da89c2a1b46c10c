/** The seam between what happens in the service and what observes it: the log, metrics, traces. */
import type { Publish } from "../domain/publish.ts";

/** Typed events of one process. `Events` maps the names of events to their fields. */
export interface EventHub<Events> {
  readonly publish: Publish<Events>;
  /** Calls the listener for each event of this name, in the publisher's turn, until the result is disposed of. */
  subscribe<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Disposable;
}

/** Creates a hub. A listener that throws is reported to `onListenerError`; the publisher and other listeners go on. */
export function createEventHub<Events>(onListenerError: (error: unknown) => void): EventHub<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>();
  return {
    publish(name, event) {
      for (const listener of listeners.get(name) ?? []) {
        try {
          listener(event as never);
        } catch (error) {
          onListenerError(error);
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

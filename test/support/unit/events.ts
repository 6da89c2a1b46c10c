import type { Publish } from "../../../src/domain/publish.ts";

export interface RecordedEvents<Events> {
  readonly publish: Publish<Events>;
  /** The events of this name so far. */
  of<Name extends keyof Events>(name: Name): Events[Name][];
}

/** Creates a `publish` that records what it gets. */
export function recordEvents<Events>(): RecordedEvents<Events> {
  const events: { readonly name: keyof Events; readonly event: unknown }[] = [];
  return {
    publish: (name, event) => void events.push({ name, event }),
    of: <Name extends keyof Events>(name: Name) =>
      events.filter((each) => each.name === name).map(({ event }) => event as Events[Name]),
  };
}

/**
 * Publishes an event to observers that the publisher does not import. `Events` maps the names of events to their fields.
 * Returns at once and never throws.
 */
export type Publish<Events> = <Name extends keyof Events>(name: Name, event: Events[Name]) => void;

/** For a part that has no observers, as in tests. */
export function ignoreEvents(): void {}

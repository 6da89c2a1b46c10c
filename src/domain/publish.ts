/**
 * Publishes an event to observers that the publisher does not import. `Events` maps the names of events to their fields.
 * Returns at once and never throws.
 */
export type Publish<Events> = (...event: NamedEvent<Events>) => void;

/** A union, not a generic function, so that a `publish` of all events is assignable to one of a folder's events. */
type NamedEvent<Events> = { [Name in keyof Events]: [name: Name, event: Events[Name]] }[keyof Events];

/** For code without observers, as in tests. */
export function ignoreEvents(): void {}

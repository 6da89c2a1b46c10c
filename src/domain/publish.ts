/**
 * Publishes an event to observers that the publisher does not import. `Events` maps the names of events to their fields.
 * Returns at once and never throws.
 */
export type Publish<Events> = (...event: NamedEvent<Events>) => void;

/** Not a generic function: a `publish` of many parts' events is one of each part's only like this. */
type NamedEvent<Events> = { [Name in keyof Events]: [name: Name, event: Events[Name]] }[keyof Events];

/** For a part that has no observers, as in tests. */
export function ignoreEvents(): void {}

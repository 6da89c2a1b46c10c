/** One page of a list, and where the next one begins. */
export interface Page<Item, Position> {
  readonly items: readonly Item[];
  /** The position after which the next page begins; undefined when this page is the last. */
  readonly next: Position | undefined;
}

/** The page of items that were read up to one more than its size, which shows whether there is a next page. */
export function pageOf<Item, Position>(
  found: readonly Item[],
  pageSize: number,
  positionOf: (last: Item) => Position,
): Page<Item, Position> {
  const items = found.slice(0, pageSize);
  const last = found.length > pageSize ? items.at(-1) : undefined;
  return { items, next: last && positionOf(last) };
}

/** One page of a list, and where the next one begins. */
export interface Page<Item, Position> {
  readonly items: readonly Item[];
  /** The position after which the next page begins; undefined when this page is the last. */
  readonly next: Position | undefined;
}

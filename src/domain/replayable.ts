/** What a write answered, and whether an earlier call with the same key had already done it. */
export interface Replayable<Value> {
  readonly value: Value;
  readonly replayed: boolean;
}

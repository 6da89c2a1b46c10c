import { DomainError, retryDelayMs } from "../domain/failure.ts";

/** When the server last answered, over any connection of a store. */
export interface Answers {
  heard(): void;
  /**
   * The refusal of a caller that waited so long for its turn. The callers before it hold theirs for one of two reasons:
   * there are too many of them, or the server answers none.
   */
  refusal(waitedMs: number, cause?: unknown): DomainError;
}

/** Counts from now: before the first answer, the server has as long as after an answer. */
export function createAnswers(): Answers {
  let lastMs = performance.now();
  return {
    heard() {
      lastMs = performance.now();
    },
    refusal(waitedMs, cause) {
      const reason = performance.now() - lastMs < waitedMs ? "OVERLOADED" : "DATABASE_UNAVAILABLE";
      return new DomainError({ reason, retryDelayMs }, { cause });
    },
  };
}

/** Whether a dependency works; `reason` is a fixed sentence that every client may read, `cause` is for the log. */
export type Health = { readonly isGood: true } | Problem;

/** What keeps a dependency from working. */
export interface Problem {
  readonly isGood: false;
  readonly reason: string;
  readonly cause?: unknown;
}

/** The reason of a database that cannot be reached, or takes too long to answer. */
export const noAnswerReason = "the database does not answer";

/** Whether a dependency works; `reason` is a fixed sentence that every client may read, `cause` is for the log. */
export type Health =
  | { readonly isGood: true }
  | { readonly isGood: false; readonly reason: string; readonly cause?: unknown };

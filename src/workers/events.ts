/** What the primary process and its workers publish. */
export interface WorkerEvents {
  /** A worker serves. */
  readonly "workers.started": {
    readonly worker: number;
    readonly pid: number | undefined;
    /** How many workers serve now. */
    readonly serving: number;
  };
  /** A worker has ended although nothing has stopped it. */
  readonly "workers.ended": WorkerEnd & {
    /** How many workers serve now. */
    readonly serving: number;
    /** Until another one starts in its place. Undefined if none does. */
    readonly restartMs: number | undefined;
  };
  /** Workers did not answer in time for a scrape: their gauges are left out of it. */
  readonly "workers.metrics_missing": { readonly workers: number };
  /** The primary has not answered in time: this worker counts its callers alone until it does. */
  readonly "workers.primary_late": { readonly waitedMs: number };
  /** The primary has not counted a new connection in time, so that it is refused. */
  readonly "workers.entry_unanswered": { readonly waitedMs: number };
}

export interface WorkerEnd {
  readonly worker: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why its start failed, as a sentence. */
  readonly failure: string | undefined;
}

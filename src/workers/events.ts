/** What the primary process and its workers publish. */
export interface WorkerEvents {
  /** A worker serves. */
  readonly "workers.started": { readonly worker: number; readonly pid: number | undefined };
  /** A worker has ended although nothing has stopped it, or it has not stopped in order. */
  readonly "workers.ended": WorkerEnd & {
    /** Until another one starts in its place. Undefined if none does. */
    readonly restartMs: number | undefined;
  };
  /** The primary kills a worker. */
  readonly "workers.killed": {
    readonly worker: number;
    readonly pid: number | undefined;
    /** It gives no sign of life, its start takes too long, or its stop does. */
    readonly reason: "silent" | "starting" | "stopping";
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
  /** Why its start or its stop failed, as a sentence. */
  readonly failure: string | undefined;
}

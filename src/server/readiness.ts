/** Whether this process should be sent work: it has started, its database answers, and it is not about to stop. */

export type ReadinessState = "starting" | "ready" | "unavailable" | "draining";

export interface Readiness {
  readonly state: ReadinessState;
  /** The service can work: it has migrated and reached the database. From here on the database is watched. */
  started(): void;
  /** The service is about to stop: the state becomes "draining". Calls are still served. There is no way back. */
  announceDrain(): void;
  /** The service stops: streams end as well. */
  drain(): void;
  /** Aborts when streams have to end. */
  readonly draining: AbortSignal;
  /** Calls the listener at every change of state, and when streams have to end. Returns what ends that. */
  onChange(listener: (state: ReadinessState) => void): () => void;
  /** Ends the watch. */
  close(): void;
}

export interface ReadinessOptions {
  /** Resolves if the database answers. Should end when the signal aborts. */
  readonly ping: (signal: AbortSignal) => Promise<void>;
  readonly intervalMs?: number;
  /** How long the service stays ready without an answer: a short restart must not take every replica out at once. */
  readonly toleranceMs?: number;
  readonly pingTimeoutMs?: number;
  readonly now?: () => number;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** Makes a readiness that is "starting" until told otherwise. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const {
    intervalMs = 1_000,
    toleranceMs = 10_000,
    pingTimeoutMs = 5_000,
    now = () => performance.now(),
    log,
  } = options;
  const listeners = new Set<(state: ReadinessState) => void>();
  const draining = new AbortController();
  let state: ReadinessState = "starting";
  let lastAnswerAt = 0;
  let lastError: unknown;
  let watch: NodeJS.Timeout | undefined;
  let ping: AbortController | undefined;

  function change(next: ReadinessState): void {
    if (state === next || state === "draining") return;
    state = next;
    if (next === "unavailable") log.warn({ state, err: lastError }, "not ready: the database does not answer");
    else log.info({ state }, next === "draining" ? "not ready: about to stop" : "ready");
    tell();
  }

  function tell(): void {
    for (const listener of [...listeners]) listener(state);
  }

  async function pingOnce(): Promise<void> {
    // A ping that ignores its signal only delays the next one: two never run at once.
    if (ping !== undefined) return;
    const controller = new AbortController();
    ping = controller;
    const timer = setTimeout(() => controller.abort(new Error("the ping timed out")), pingTimeoutMs);
    try {
      await options.ping(controller.signal);
      lastAnswerAt = now();
      if (watch !== undefined) change("ready");
    } catch (error) {
      lastError = error;
    } finally {
      clearTimeout(timer);
      ping = undefined;
    }
  }

  function look(): void {
    if (now() - lastAnswerAt > toleranceMs) change("unavailable");
    void pingOnce();
  }

  function announceDrain(): void {
    change("draining");
    clearInterval(watch);
    watch = undefined;
  }

  function close(): void {
    clearInterval(watch);
    watch = undefined;
    ping?.abort(new Error("the service stops"));
    listeners.clear();
  }

  return {
    get state() {
      return state;
    },
    started() {
      if (state !== "starting") return;
      lastAnswerAt = now();
      watch = setInterval(look, intervalMs);
      change("ready");
    },
    announceDrain,
    drain() {
      const isAnnounced = state === "draining";
      draining.abort();
      if (isAnnounced) tell();
      else announceDrain();
    },
    draining: draining.signal,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
  };
}

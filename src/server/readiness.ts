/** Whether this process should be sent work: it has started, its database takes writes, and it is not about to stop. */
import { describeCauses } from "../domain/causes.ts";
import type { Health } from "../domain/health.ts";

export type ReadinessState = "starting" | "ready" | "unavailable" | "draining";

export interface Readiness {
  readonly state: ReadinessState;
  /** Why the state is "unavailable": a sentence for every client. */
  readonly reason: string | undefined;
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
  /** Says whether the database takes writes. Never called again before it has resolved. */
  readonly probe: () => Promise<Health>;
  readonly intervalMs?: number;
  /** How long the service stays ready without a good probe: a short restart must not take every replica out at once. */
  readonly toleranceMs?: number;
  /** A probe that takes longer counts as failed until it resolves. */
  readonly probeTimeoutMs?: number;
  /** So many good probes in a row make the service ready again, so that it does not come back for a moment only. */
  readonly goodProbes?: number;
  readonly now?: () => number;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

type Problem = Exclude<Health, { readonly isGood: true }>;

const noAnswer: Problem = { isGood: false, reason: "the database does not answer" };

/** Makes a readiness that is "starting" until told otherwise. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const {
    intervalMs = 1_000,
    toleranceMs = 10_000,
    probeTimeoutMs = 5_000,
    goodProbes = 3,
    now = () => performance.now(),
    log,
  } = options;
  const listeners = new Set<(state: ReadinessState) => void>();
  const draining = new AbortController();
  let state: ReadinessState = "starting";
  let lastGoodAt = 0;
  let goodInARow = 0;
  let problem: Problem | undefined;
  let watch: NodeJS.Timeout | undefined;
  let probingSince: number | undefined;

  function change(next: ReadinessState): void {
    if (state === next || state === "draining") return;
    state = next;
    if (next === "unavailable" && problem !== undefined) {
      log.warn({ state, cause: describeCauses(problem.cause) || undefined }, `not ready: ${problem.reason}`);
    } else log.info({ state }, next === "draining" ? "not ready: about to stop" : "ready");
    tell();
  }

  function tell(): void {
    for (const listener of [...listeners]) listener(state);
  }

  function note(health: Health): void {
    if (watch === undefined) return;
    if (!health.isGood) {
      problem = health;
      goodInARow = 0;
      if (now() - lastGoodAt > toleranceMs) change("unavailable");
      return;
    }
    lastGoodAt = now();
    goodInARow += 1;
    if (goodInARow >= goodProbes) change("ready");
  }

  async function probeOnce(): Promise<void> {
    probingSince = now();
    try {
      note(await options.probe());
    } catch (cause) {
      note({ ...noAnswer, cause });
    } finally {
      probingSince = undefined;
    }
  }

  function look(): void {
    if (probingSince === undefined) void probeOnce();
    else if (now() - probingSince >= probeTimeoutMs) note(noAnswer);
  }

  function announceDrain(): void {
    change("draining");
    clearInterval(watch);
    watch = undefined;
  }

  function close(): void {
    clearInterval(watch);
    watch = undefined;
    listeners.clear();
  }

  return {
    get state() {
      return state;
    },
    get reason() {
      return state === "unavailable" ? problem?.reason : undefined;
    },
    started() {
      if (state !== "starting") return;
      lastGoodAt = now();
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

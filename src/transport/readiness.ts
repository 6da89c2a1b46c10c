/** Whether this process should be sent work: it has started, its database takes writes, and it is not about to stop. */
import { type Health, noAnswerReason, type Problem } from "../domain/health.ts";
import type { Publish } from "../domain/publish.ts";
import type { ReadinessState, TransportEvents } from "./events.ts";

export type { ReadinessState } from "./events.ts";

export interface Readiness {
  readonly state: ReadinessState;
  /** Why the state is "unavailable": a sentence for every client. */
  readonly reason: string | undefined;
  /**
   * The service has migrated and listens. The first probe decides whether it is ready or unavailable, and then the promise
   * resolves. From here on the database is watched.
   */
  started(): Promise<void>;
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

interface ReadinessOptions {
  /** Resolves with whether the database takes writes. Never called again before it has resolved. */
  readonly probe: () => Promise<Health>;
  readonly now?: () => number;
  readonly publish: Publish<TransportEvents>;
}

const probeIntervalMs = 1_000;
/** A probe that takes longer counts as failed until it resolves. */
const probeTimeoutMs = 5_000;
/** How long the service stays ready without a good probe: a short restart must not take every replica out at once. */
const toleranceMs = 10_000;
/** The number of good probes in a row that make the service ready again. More than one keeps it from flapping. */
const goodProbes = 3;

const noAnswer: Problem = { isGood: false, reason: noAnswerReason };

/** Creates a readiness that is "starting" until `started` is called. */
export function createReadiness({ probe, publish, now = () => performance.now() }: ReadinessOptions): Readiness {
  const draining = new AbortController();
  const listeners = new Set<(state: ReadinessState) => void>();
  let state: ReadinessState = "starting";
  let problem: Problem | undefined;
  let lastGoodAt = Number.NEGATIVE_INFINITY;
  let goodInARow = 0;
  const watch = createWatch(probe, now, (health) => {
    publish("transport.database_probed", { isGood: health.isGood });
    if (!health.isGood) {
      goodInARow = 0;
      if (now() - lastGoodAt > toleranceMs) change("unavailable", health);
      return;
    }
    lastGoodAt = now();
    goodInARow += 1;
    if (state === "starting" || goodInARow >= goodProbes) change("ready");
  });

  /** `found` is what makes it unavailable. */
  function change(next: ReadinessState, found?: Problem): void {
    problem = found;
    if (state === next) return;
    state = next;
    publish("transport.readiness_changed", { state, reason: found?.reason, cause: found?.cause });
    notify();
  }

  function notify(): void {
    for (const listener of [...listeners]) listener(state);
  }

  function onChange(listener: (state: ReadinessState) => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  return {
    get state() {
      return state;
    },
    get reason() {
      return problem?.reason;
    },
    async started() {
      if (state !== "starting" || watch.isOn()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const forget = onChange(() => resolve());
      watch.begin();
      await promise;
      forget();
    },
    announceDrain() {
      watch.end();
      change("draining");
    },
    drain() {
      draining.abort();
      watch.end();
      if (state === "draining") notify();
      else change("draining");
    },
    draining: draining.signal,
    onChange,
    close() {
      watch.end();
      listeners.clear();
    },
  };
}

/** Probes at intervals, one probe at a time, and notes what each finds until the watch ends. */
function createWatch(probe: () => Promise<Health>, now: () => number, note: (health: Health) => void) {
  let timer: NodeJS.Timeout | undefined;
  let probingSince: number | undefined;
  const noteIfOn = (health: Health) => timer && note(health);

  function look(): void {
    if (probingSince === undefined) void probeOnce();
    else if (now() - probingSince >= probeTimeoutMs) noteIfOn(noAnswer);
  }

  async function probeOnce(): Promise<void> {
    probingSince = now();
    try {
      noteIfOn(await probe());
    } catch (cause) {
      noteIfOn({ ...noAnswer, cause });
    } finally {
      probingSince = undefined;
    }
  }

  return {
    isOn: () => timer !== undefined,
    begin() {
      timer = setInterval(look, probeIntervalMs);
      look();
    },
    end() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

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

export interface ReadinessOptions {
  /** Resolves with whether the database takes writes. Never called again before it has resolved. */
  readonly probe: () => Promise<Health>;
  readonly intervalMs?: number;
  /** How long the service stays ready without a good probe: a short restart must not take every replica out at once. */
  readonly toleranceMs?: number;
  /** A probe that takes longer counts as failed until it resolves. */
  readonly probeTimeoutMs?: number;
  /** The number of good probes in a row that make the service ready again. More than one keeps it from flapping. */
  readonly goodProbes?: number;
  readonly now?: () => number;
  readonly publish: Publish<TransportEvents>;
}

const noAnswer: Problem = { isGood: false, reason: noAnswerReason };

/** Creates a readiness that is "starting" until `started` is called. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { toleranceMs = 10_000, goodProbes = 3, now = () => performance.now() } = options;
  const states = createStates(options.publish);
  const draining = new AbortController();
  const watch = createWatch(options, note);
  let lastGoodAt = Number.NEGATIVE_INFINITY;
  let goodInARow = 0;

  function note(health: Health): void {
    if (!health.isGood) {
      goodInARow = 0;
      if (now() - lastGoodAt > toleranceMs) states.change("unavailable", health);
      return;
    }
    lastGoodAt = now();
    goodInARow += 1;
    if (states.state === "starting" || goodInARow >= goodProbes) states.change("ready");
  }

  function announceDrain(): void {
    states.change("draining");
    watch.end();
  }

  return {
    get state() {
      return states.state;
    },
    get reason() {
      return states.reason;
    },
    async started() {
      if (states.state !== "starting" || watch.isOn()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const forget = states.onChange(() => resolve());
      watch.begin();
      await promise;
      forget();
    },
    announceDrain,
    drain() {
      const isAnnounced = states.state === "draining";
      draining.abort();
      if (isAnnounced) states.notify();
      else announceDrain();
    },
    draining: draining.signal,
    onChange: states.onChange,
    close() {
      watch.end();
      states.forgetListeners();
    },
  };
}

/** Probes at intervals, one probe at a time, and notes what each finds until the watch ends. */
function createWatch(
  { probe, intervalMs = 1_000, probeTimeoutMs = 5_000, now = () => performance.now() }: ReadinessOptions,
  note: (health: Health) => void,
) {
  let timer: NodeJS.Timeout | undefined;
  let probingSince: number | undefined;
  const noteIfOn = (health: Health) => timer && note(health);

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

  function look(): void {
    if (probingSince === undefined) void probeOnce();
    else if (now() - probingSince >= probeTimeoutMs) noteIfOn(noAnswer);
  }

  return {
    isOn: () => timer !== undefined,
    begin() {
      timer = setInterval(look, intervalMs);
      look();
    },
    end() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** The state, its reason, and the listeners that are called at each change. */
function createStates(publish: Publish<TransportEvents>) {
  const listeners = new Set<(state: ReadinessState) => void>();
  let state: ReadinessState = "starting";
  let problem: Problem | undefined;

  function notify(): void {
    for (const listener of [...listeners]) listener(state);
  }

  return {
    get state() {
      return state;
    },
    get reason() {
      return problem?.reason;
    },
    /** `found` is what makes it unavailable. There is no way back from "draining". */
    change(next: ReadinessState, found?: Problem): void {
      if (state === "draining") return;
      problem = found;
      if (state === next) return;
      state = next;
      publish("transport.readiness_changed", { state, reason: found?.reason, cause: found?.cause });
      notify();
    },
    notify,
    onChange(listener: (state: ReadinessState) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    forgetListeners: () => listeners.clear(),
  };
}

import { percentile } from "../statistics.ts";
import type { Answer, Latency, Tally } from "./spec.ts";

/** Counts the answers of one run and keeps their latencies. */
export interface Recorder {
  /** `counts` is about throughput. `latencyMs` is undefined if the latency does not count. */
  record(answer: Answer, counts: boolean, latencyMs: number | undefined): void;
  readonly measured: Tally;
  readonly all: Tally;
  latency(): Latency;
  slowestConfirmedMs(): number;
  bookingIds(): Float64Array;
}

export function createRecorder(): Recorder {
  const latenciesMs = createNumberList();
  const ids = createNumberList();
  let slowestConfirmedMs = 0;
  const measured: Tally = {};
  const all: Tally = {};
  const count = (tally: Tally, outcome: string) => {
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  };
  return {
    measured,
    all,
    record({ outcome, id }, counts, latencyMs) {
      count(all, outcome);
      if (!Number.isNaN(id)) ids.push(id);
      if (counts) count(measured, outcome);
      if (latencyMs === undefined) return;
      latenciesMs.push(latencyMs);
      if (outcome === "OK") slowestConfirmedMs = Math.max(slowestConfirmedMs, latencyMs);
    },
    latency() {
      const sorted = latenciesMs.values().sort();
      return {
        p50Ms: percentile(sorted, 0.5),
        p90Ms: percentile(sorted, 0.9),
        p99Ms: percentile(sorted, 0.99),
        maxMs: percentile(sorted, 1),
      };
    },
    slowestConfirmedMs: () => slowestConfirmedMs,
    bookingIds: () => ids.values(),
  };
}

/** A list of numbers that costs no garbage a number. */
function createNumberList() {
  let numbers = new Float64Array(16 * 1024);
  let length = 0;
  return {
    push(value: number): void {
      if (length === numbers.length) {
        const larger = new Float64Array(numbers.length * 2);
        larger.set(numbers);
        numbers = larger;
      }
      numbers[length++] = value;
    },
    values: () => numbers.slice(0, length),
  };
}

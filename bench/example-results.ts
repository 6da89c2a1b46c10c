/** Results for tests. */
import type { Measurement, Results } from "./results.ts";

/** A measurement of which only some values matter. */
export function measured(values: Partial<Measurement>): Measurement {
  return {
    workload: "",
    subject: "",
    variant: "",
    protocol: "REST",
    users: 1,
    round: 1,
    answersPerSecond: 100,
    confirmedPerSecond: 100,
    latency: { p50Ms: 1, p90Ms: 2, p99Ms: 3, maxMs: 4 },
    slowestConfirmedMs: 4,
    refusals: {},
    statements: 1,
    transactions: 1,
    reads: 1,
    answers: 100,
    seconds: 1,
    serverCores: 1,
    generatorCores: 0.5,
    serverMicroseconds: 50,
    ...values,
  };
}

/** The results of a run that found this. */
export function resultsOf(measurements: readonly Measurement[], rowWrites: Results["rowWrites"] = []): Results {
  return {
    kind: "full",
    startedAt: "2030-01-02T03:04:05Z",
    machine: {
      processor: "A processor",
      cores: 2,
      memoryGiB: 8,
      system: "linux x64",
      node: "26.0.0",
      postgres: "18.4",
      fsync: "on",
      fsyncMs: 0.13,
    },
    secondsAMeasurement: 5,
    rounds: 1,
    workloads: [],
    measurements,
    rowWrites,
  };
}

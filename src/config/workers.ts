import { availableParallelism } from "node:os";
import { mostProcesses } from "./kinds.ts";
import { fields } from "./schema.ts";
import type { Values } from "./sources.ts";

/** The pool of one worker that keeps a connection for organizers. */
const wholePool = 3;

/** The number of workers; `auto` is one on each core that the process may use, as far as the pool has enough for each. */
export function chooseWorkers(values: Values, cores = availableParallelism()): number {
  const workers = values.get(fields.workers);
  if (workers !== "auto") return workers;
  const served = Math.floor(values.get(fields.databasePoolSize) / wholePool);
  return Math.max(1, Math.min(cores, mostProcesses, served));
}

/** What is wrong with the number of workers, given what they divide. */
export function workerProblems(values: Values, workers: number): string[] {
  const { poolSize, poolName } = poolOf(values);
  if (workers <= poolSize) return [];
  return [`${poolName} (${poolSize}) is less than APP_WORKERS (${workers}): each worker needs a connection`];
}

/** Warns of pools that work, but without a connection for organizers. */
export function workerWarnings(values: Values, workers: number): string[] {
  const { poolSize, poolName } = poolOf(values);
  const share = Math.floor(poolSize / workers);
  // With one worker the setting's description says it.
  if (workers === 1 || share >= wholePool) return [];
  return [
    `${poolName} (${poolSize}) gives each of ${workers} workers ${share}: below ${wholePool} none is reserved for organizers; ` +
      `set ${wholePool * workers} or more`,
  ];
}

function poolOf(values: Values) {
  const { databasePoolSize } = fields;
  const poolName = values.nameOf(databasePoolSize) ?? databasePoolSize.environmentName;
  return { poolSize: values.get(databasePoolSize), poolName };
}

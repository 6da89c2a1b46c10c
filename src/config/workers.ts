import { fields } from "./schema.ts";
import type { Values } from "./sources.ts";

/** The pool of one worker that keeps a connection for organizers. */
const wholePool = 3;

/** What is wrong with the number of workers, given what they divide. */
export function workerProblems(values: Values): string[] {
  const { workers, poolSize, poolName } = poolOf(values);
  if (workers <= poolSize) return [];
  return [`${poolName} (${poolSize}) is less than APP_WORKERS (${workers}): each worker needs a connection`];
}

/** Warns of pools that work, but without a connection for organizers. */
export function workerWarnings(values: Values): string[] {
  const { workers, poolSize, poolName } = poolOf(values);
  const share = Math.floor(poolSize / workers);
  // With one worker the setting's description says it.
  if (workers === 1 || share >= wholePool) return [];
  return [
    `${poolName} (${poolSize}) gives each of ${workers} workers ${share}: below ${wholePool} none is reserved for organizers; ` +
      `set ${wholePool * workers} or more`,
  ];
}

function poolOf(values: Values) {
  const { workers, databasePoolSize } = fields;
  const poolName = values.nameOf(databasePoolSize) ?? databasePoolSize.environmentName;
  return { workers: values.get(workers), poolSize: values.get(databasePoolSize), poolName };
}

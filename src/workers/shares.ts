import type { Config } from "../config/load.ts";

/** The part of the machine's configuration that one of its workers follows. */
export function shareConfig(config: Config): Config {
  const share = (whole: number) => Math.max(1, Math.floor(whole / config.workers));
  return {
    ...config,
    databasePoolSize: share(config.databasePoolSize),
    maxQueuedRequests: share(config.maxQueuedRequests),
    maxStreams: share(config.maxStreams),
  };
}

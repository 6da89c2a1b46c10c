import { expect, test } from "vitest";
import { load } from "../../test/support/unit/config-sources.ts";
import { shareConfig } from "./shares.ts";

test("the pool, the queue and the streams are divided, and the other limits stay whole", () => {
  const env = { APP_WORKERS: "4", APP_DATABASE_POOL_SIZE: "15", APP_MAX_STREAMS: "3", APP_MAX_QUEUED_REQUESTS: "9" };
  const { config } = load({ env });
  expect(shareConfig(config)).toEqual({ ...config, databasePoolSize: 3, maxStreams: 1, maxQueuedRequests: 2 });
});

/** The store without the service around it, for what only happens far below the API. */
import type { Deadline } from "../../src/domain/deadline.ts";
import { createStore, type Store, type StoreOptions } from "../../src/store/store.ts";

/** Opens the store of a database URL. The caller closes it. */
export function openStore(databaseUrl: string, options: Partial<StoreOptions> = {}): Store {
  const url = new URL(databaseUrl);
  return createStore(
    {
      ...{ host: url.hostname, port: Number(url.port || 5432), name: url.pathname.slice(1), sslMode: "disable" },
      ...{ username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
      ...{ poolSize: 2, maxRetries: 3, lockTimeoutMs: 20_000, statementTimeoutMs: 20_000 },
      ...options,
    },
    () => {},
  );
}

/** A deadline that passes when `pass` is called. */
export function openDeadline(): Deadline & { pass(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, begun: false, pass: () => controller.abort() };
}

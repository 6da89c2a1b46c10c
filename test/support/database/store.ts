/** The store without the service around it, for behaviour that no API call shows. */
import type { Transaction } from "kysely";
import type { ChangeDeadline, Progress } from "../../../src/domain/deadline.ts";
import type { ConcertId } from "../../../src/domain/ids.ts";
import type { BatchQuery } from "../../../src/store/batch/open.ts";
import { noConcertYet } from "../../../src/store/concerts.ts";
import { createStore, type Store, type StoreOptions } from "../../../src/store/store.ts";
import type { DB } from "../../../src/store/tables.ts";

/** Opens the store of a database URL. The caller closes it. */
export function openStore(databaseUrl: string, options: Partial<StoreOptions> = {}): Store {
  const url = new URL(databaseUrl);
  return createStore({
    ...{ host: url.hostname, port: Number(url.port || 5432), name: url.pathname.slice(1), sslMode: "disable" },
    ...{ username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
    ...{ poolSize: 2, maxRetries: 3, lockTimeoutMs: 20_000, statementTimeoutMs: 20_000 },
    preparedStatements: url.searchParams.get("pgbouncer") !== "true",
    ...options,
  });
}

/** A batch's query for the concert and its holds only. */
export function lockOnly(concertId: ConcertId): BatchQuery {
  return { concertId, keys: [], bookingIds: [], userIds: [], countsHolds: false, newIds: 0, maxDue: 1 };
}

/** A deadline that passes when `pass` is called. */
export function openDeadline(): ChangeDeadline & { readonly progress: Progress; pass(): void } {
  const controller = new AbortController();
  let progress: Progress = "waiting";
  return {
    signal: controller.signal,
    expiresAtMs: Number.POSITIVE_INFINITY,
    onProgress: (now) => {
      progress = now;
    },
    get progress() {
      return progress;
    },
    pass: () => controller.abort(),
  };
}

/** The work of a test in a transaction. */
export type Work = (transaction: Transaction<DB>) => Promise<unknown>;

/** Runs a transaction whose result does not matter. */
export async function transact(store: Store, work: Work, deadline: ChangeDeadline = openDeadline()): Promise<void> {
  await store.transact(noConcertYet, work, deadline);
}

import { setTimeout as delay } from "node:timers/promises";
import { OperatorError } from "../domain/operator-error.ts";
import { ConnectFailure } from "./sqlstate.ts";
import type { Store } from "./store.ts";

/** The database cannot be reached. */
class DatabaseUnreachableError extends OperatorError {
  override readonly name = "DatabaseUnreachableError";
}

interface WaitOptions {
  /** For the error's message. */
  readonly host: string;
  readonly port: number;
  /** How long to wait for the database. One attempt is made if undefined. */
  readonly waitMs: number | undefined;
  readonly signal: AbortSignal;
}

const pollMs = 500;

/** Waits until the database answers. Rejects with a DatabaseUnreachableError. */
export async function waitForDatabase(store: Store, options: WaitOptions): Promise<void> {
  const givesUpAt = performance.now() + (options.waitMs ?? 0);
  for (;;) {
    try {
      return await store.ping();
    } catch (cause) {
      if (performance.now() >= givesUpAt) throw unreachable(options, cause);
      await delay(pollMs, undefined, { signal: options.signal });
    }
  }
}

function unreachable({ host, port, waitMs }: WaitOptions, failure: unknown): DatabaseUnreachableError {
  const cause = failure instanceof ConnectFailure ? failure.cause : failure;
  const why = cause instanceof AggregateError ? cause.errors.map(messageOf).join("; ") : messageOf(cause);
  const hint = waitMs === undefined ? "; to wait until it is up, use --wait-for-db" : ` within ${waitMs} ms`;
  return new DatabaseUnreachableError(`cannot reach the database at ${host}:${port} (${why})${hint}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

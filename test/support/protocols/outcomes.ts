/** Short words for outcomes, so that a test can compare many at once. */
import type { Outcome } from "./protocols.ts";

/** The message of a call that must succeed. */
export function succeeded<Message>(outcome: Outcome<Message>): Message {
  if (!outcome.ok) throw new Error(`refused: ${outcome.code} ${outcome.reason} ${outcome.message}`);
  return outcome.message;
}

/** `OK`, `REPLAYED`, or the reason of an error. An error without a reason, which clients must never get, in full. */
export function verdict(outcome: Outcome<unknown>): string {
  if (outcome.ok) return outcome.replayed === "true" ? "REPLAYED" : "OK";
  return outcome.reason ?? `${outcome.code}: ${outcome.message}`;
}

/** How often each verdict occurs. */
export function tally(outcomes: readonly Outcome<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[verdict(outcome)] = (counts[verdict(outcome)] ?? 0) + 1;
  return counts;
}

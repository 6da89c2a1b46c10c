import type { BatchEffects } from "../store/batch/effects.ts";
import type { LockedState } from "../store/batch/open.ts";
import type { Answer } from "./answers.ts";
import type { Command } from "./commands.ts";
import { cancel } from "./decide-cancel.ts";
import { confirm, extend, release } from "./decide-hold.ts";
import { order } from "./decide-order.ts";
import { Ledger } from "./ledger.ts";
import type { BookingPolicy } from "./policy.ts";

/** A batch's answers, in the order of its commands, and all that it writes. */
export interface BatchPlan {
  readonly answers: readonly Answer[];
  readonly effects: BatchEffects;
  /** The earliest instant within the next second at which tickets come back on sale by expiry, if there is one. */
  readonly nextExpiry: Temporal.Instant | undefined;
}

/**
 * Decides a batch's commands one after the other, each on what those before it left: a request for four that does not fit
 * does not stop a later request for one.
 */
export function decideBatch(commands: readonly Command[], state: LockedState, policy: BookingPolicy): BatchPlan {
  const ledger = new Ledger(state);
  const answers = commands.map((command) => decide(command, ledger, policy));
  return { answers, effects: ledger.effects, nextExpiry: ledger.nextExpiry };
}

function decide(command: Command, ledger: Ledger, policy: BookingPolicy): Answer {
  switch (command.kind) {
    case "book":
    case "hold":
      return order(command, ledger, policy);
    case "confirm":
      return confirm(command, ledger, policy);
    case "release":
      return release(command, ledger);
    case "extend":
      return extend(command, ledger, policy);
    case "cancel":
      return cancel(command, ledger);
    case "expire":
      return ledger.hasMoreDue ? { kind: "undecided" } : { kind: "done" };
    default:
      return command satisfies never;
  }
}

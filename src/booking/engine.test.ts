import fc from "fast-check";
import { expect, test } from "vitest";
import { checkRun } from "../../test/support/booking/engine-check.ts";
import { anyHistory, heldTicketsHistory, lastTicketsHistory } from "../../test/support/booking/engine-histories.ts";
import { carryOutHistory } from "../../test/support/booking/engine-run.ts";

/** To repeat or to widen a run: `TEST_SEED=... TEST_RUNS=... vitest run src/booking/engine.test.ts`. */
const seed = Number(process.env.TEST_SEED ?? 20_300_501);
const numRuns = Number(process.env.TEST_RUNS ?? 800);

test.each([
  { what: "any history with any faults", histories: anyHistory },
  { what: "any history of the last tickets", histories: lastTicketsHistory },
  { what: "any history of tickets that come back from holds", histories: heldTicketsHistory },
])(`the engine keeps its invariants in $what (seed ${seed})`, { timeout: 60_000 }, async ({ histories }) => {
  const property = fc.asyncProperty(histories, fc.scheduler(), async (history, scheduler) => {
    checkRun(await carryOutHistory(history, scheduler));
  });
  await fc.assert(property, { seed, numRuns });
  expect.assertions(0);
});

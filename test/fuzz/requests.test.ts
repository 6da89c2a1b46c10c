/**
 * Generated requests to every method, wrong in every way that could be thought of: whatever comes, the answer has its
 * protocol's shape, is not a server error and shows no internals, and the process keeps running.
 *
 * APP_FUZZ_SEED=n sends other requests.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methods, nameOf } from "../methods/index.ts";
import { type FuzzTarget, seed, startFuzzTarget } from "../support/fuzz/run.ts";

const requestsPerMethod = 5_000;

let target: FuzzTarget;
beforeAll(async () => {
  process.stderr.write(`fuzz: APP_FUZZ_SEED=${seed}\n`);
  target = await startFuzzTarget();
});
afterAll(() => target?.close());

describe.each(["REST", "Connect"] as const)("%s", (protocol) => {
  test.each(methods.map(nameOf))("%s", async (name) => {
    const tally = await target.fuzz(protocol, name, requestsPerMethod);
    const counts = [...tally].sort().map(([status, count]) => `${status}: ${count}`);
    process.stderr.write(`fuzz: ${name} by ${protocol}: ${counts.join(", ")}\n`);
    expect([...tally.values()].reduce((sum, count) => sum + count, 0)).toBe(requestsPerMethod);
    // What is refused at the door alone would not try the house.
    expect((tally.get(200) ?? 0) + (tally.get(201) ?? 0)).toBeGreaterThan(0);
  });
});

test("what came through is sound, and the process lives", () => target.expectUnharmed());

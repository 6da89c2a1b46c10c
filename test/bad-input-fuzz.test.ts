/** The first requests that `npm run test:fuzz` generates, of which it sends many more. */
import { afterAll, beforeAll, describe, test } from "vitest";
import { methods, nameOf } from "./methods/index.ts";
import { type FuzzTarget, startFuzzTarget } from "./support/fuzz/run.ts";

const requestsPerMethod = 200;

let target: FuzzTarget;
beforeAll(async () => {
  target = await startFuzzTarget();
});
afterAll(() => target?.close());

describe.each(["REST", "Connect"] as const)("%s", (protocol) => {
  test.each(methods.map(nameOf))("%s", async (name) => {
    await target.fuzz(protocol, name, requestsPerMethod);
  });
});

test("what came through is sound, and the process lives", () => target.expectUnharmed());

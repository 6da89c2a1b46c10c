import { expect, test } from "vitest";
import { type ConcurrencyLimits, createConcurrencyLimit, type Permit } from "./concurrency-limit.ts";
import type { LimitKey } from "./limit-key.ts";

const caller = (key: string): LimitKey => ({ kind: "caller", key });
const address = (key: string): LimitKey => ({ kind: "address", key });
const permitOf = (taken: Permit | keyof ConcurrencyLimits) =>
  typeof taken === "object" ? taken : expect.unreachable(`the limit of the ${taken} was reached`);

test("the limit that is reached is returned, and uses up no other limit", () => {
  const limit = createConcurrencyLimit({ process: 4, caller: 1, address: 2 });
  permitOf(limit.tryAcquire([address("a"), caller("nora")]));
  for (let count = 0; count < 10; count++) expect(limit.tryAcquire([address("a"), caller("nora")])).toBe("caller");
  permitOf(limit.tryAcquire([address("a"), caller("otto")]));
  expect(limit.tryAcquire([address("a"), caller("zoe")])).toBe("address");
  permitOf(limit.tryAcquire([caller("zoe")]));
  permitOf(limit.tryAcquire([]));
  expect(limit.tryAcquire([])).toBe("process");
});

test("a permit is given back once, however often it is released", () => {
  const limit = createConcurrencyLimit({ process: 2, caller: 1, address: 1 });
  const first = permitOf(limit.tryAcquire([caller("nora")]));
  permitOf(limit.tryAcquire([caller("otto")]));
  first.release();
  first.release();
  permitOf(limit.tryAcquire([caller("nora")]));
  expect(limit.tryAcquire([caller("zoe")])).toBe("process");
});

import { expect, test } from "vitest";
import { repeat } from "./repeat.ts";

test("runs again after a failure, which it reports", async () => {
  const failures: unknown[] = [];
  const thirdRun = Promise.withResolvers<void>();
  let runs = 0;
  const work = async () => {
    if (++runs === 1) throw new Error("no database");
    if (runs === 3) thirdRun.resolve();
  };
  const repeated = repeat(work, 1, (error) => failures.push(error));
  await thirdRun.promise;
  await repeated[Symbol.asyncDispose]();
  expect(failures).toEqual([new Error("no database")]);
});

test("a disposal aborts the run under way, waits for it, and reports nothing of it", async () => {
  const failures: unknown[] = [];
  const work = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const repeated = repeat(work, 1, (error) => failures.push(error));
  await repeated[Symbol.asyncDispose]();
  expect(failures).toEqual([]);
});

test("a disposal does not wait for the next run", async () => {
  const firstRun = Promise.withResolvers<void>();
  let runs = 0;
  const work = async () => {
    runs++;
    firstRun.resolve();
  };
  const repeated = repeat(work, 3_600_000, () => {});
  await firstRun.promise;
  await repeated[Symbol.asyncDispose]();
  expect(runs).toBe(1);
});

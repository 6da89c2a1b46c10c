import { expect, onTestFinished, test } from "vitest";
import { forkWorker } from "./worker-process.ts";

test("a process that cannot be made ends with the reason", async () => {
  const { execPath } = process;
  onTestFinished(() => {
    process.execPath = execPath;
  });
  process.execPath = "/missing/node";
  const worker = forkWorker(() => {});
  expect(worker.pid).toBeUndefined();
  worker.send({ type: "stop", atOnce: true });
  const failure = "a worker process cannot be made: spawn /missing/node ENOENT";
  expect(await worker.ended).toEqual({ exitCode: null, signal: null, failure });
});

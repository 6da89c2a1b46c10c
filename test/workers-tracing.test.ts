import { expect, onTestFinished, test } from "vitest";
import { createTestDatabase } from "./support/database/database.ts";
import { startOtlpReceiver } from "./support/network/otlp-receiver.ts";
import { openProgram } from "./support/process/program.ts";
import { testEnvironment } from "./support/service/service.ts";

test("each worker exports the traces of its calls, the last ones when it stops", { timeout: 60_000 }, async () => {
  await using database = await createTestDatabase();
  const receiver = await startOtlpReceiver();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  // Nothing is exported before the stop.
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: "60000" };
  const environment = testEnvironment(database.url, { APP_WORKERS: "2", ...tracing });
  await using service = await openProgram(environment, [], { logLevel: "debug" });
  for (let call = 0; call < 4; call++) {
    // Over a new connection, which the primary passes to the next worker.
    await fetch(`${service.baseUrl}/api/v1/concerts`, {
      headers: { connection: "close", "x-request-id": `call-${call}` },
    });
  }
  expect(await service.stop()).toBe(0);
  const calls = service.lines.filter((line) => line.includes('"msg":"call"')).map((line) => JSON.parse(line));
  expect(new Set(calls.map(({ worker }) => worker))).toEqual(new Set([1, 2]));
  const spans = await receiver.until((all) => all.filter(({ kind }) => kind === 2).length === 4);
  const requestIds = spans.filter(({ kind }) => kind === 2).map(({ attributes }) => attributes["frontrow.request_id"]);
  expect(requestIds.toSorted()).toEqual(["call-0", "call-1", "call-2", "call-3"]);
  const traceIds = new Set(spans.map(({ traceId }) => traceId));
  expect(new Set(calls.map(({ trace_id }) => trace_id))).toEqual(traceIds);
});

import { expect, onTestFinished, test } from "vitest";
import { createTestDatabase } from "./support/database/database.ts";
import { startOtlpReceiver } from "./support/network/otlp-receiver.ts";
import { openProgram } from "./support/process/program.ts";
import { callUntilBothAnswer } from "./support/process/worker-pids.ts";
import { testEnvironment } from "./support/service/service.ts";

test("each worker exports the traces of its calls, the last ones when it stops", { timeout: 60_000 }, async () => {
  await using database = await createTestDatabase();
  const receiver = await startOtlpReceiver();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  // Nothing is exported before the stop.
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: "60000" };
  const environment = testEnvironment(database.url, { APP_WORKERS: "2", ...tracing });
  await using service = await openProgram(environment, [], { logLevel: "debug" });
  let calls = 0;
  await callUntilBothAnswer(service, () =>
    fetch(`${service.baseUrl}/api/v1/concerts`, {
      headers: { connection: "close", "x-request-id": `call-${++calls}` },
    }),
  );
  expect(await service.stop()).toBe(0);
  const lines = service.lines.filter((line) => line.includes('"msg":"call"')).map((line) => JSON.parse(line));
  const spans = await receiver.until((all) => all.filter(({ kind }) => kind === 2).length === calls);
  const requestIds = spans.filter(({ kind }) => kind === 2).map(({ attributes }) => attributes["frontrow.request_id"]);
  expect(new Set(requestIds)).toEqual(new Set(Array.from({ length: calls }, (_, index) => `call-${index + 1}`)));
  const traceIds = new Set(spans.map(({ traceId }) => traceId));
  expect(new Set(lines.map(({ trace_id }) => trace_id))).toEqual(traceIds);
});

/** Receivers of traces that are gone, slow, or take nothing: no call fails, and the log says what was lost and why. */
import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { type ReceivedSpan, startOtlpReceiver } from "./support/network/otlp-receiver.ts";
import { type Settings, startTestService, type TestService } from "./support/service/service.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

function startTraced(url: string, settings: Settings = {}): Promise<TestService> {
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: "10", ...settings };
  return startTestService(tracing, database, "info");
}

async function callOnce({ baseUrl }: TestService, requestId = "r-1"): Promise<void> {
  const headers = { "x-request-id": requestId, "cache-control": "no-cache" };
  expect((await fetch(`${baseUrl}/api/v1/concerts`, { headers })).status).toBe(200);
}

const calls = 40;
/** Each call has a server span and one of its read. */
const spansOfCalls = 2 * calls;

interface Warning {
  readonly spans: number;
  readonly cause?: string;
}

/** Makes the calls, stops, and returns the warnings about dropped spans for each reason: one, and one of the rest at the stop. */
async function warningsOf(url: string, settings: Settings = {}) {
  const service = await startTraced(url, settings);
  await Promise.all(Array.from({ length: calls }, () => callOnce(service)));
  await service.close();
  const lines = service.lines
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg.startsWith("traces were dropped"));
  const byReason = Map.groupBy(lines, ({ reason }): string => reason);
  const sums = [...byReason].map(([reason, ofReason]: [string, Warning[]]) => {
    expect(ofReason.length).toBeLessThanOrEqual(2);
    const causes = new Set(ofReason.map(({ cause }) => cause));
    return [reason, { spans: ofReason.reduce((sum, { spans }) => sum + spans, 0), causes: [...causes] }] as const;
  });
  return Object.fromEntries(sums);
}

it("one that is gone", async () => {
  // A port on which nothing listens any more.
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await new Promise((resolve) => server.close(resolve));
  // Less than the delay before a retry.
  const settings = { OTEL_EXPORTER_OTLP_TIMEOUT: "700" };
  expect(await warningsOf(`http://127.0.0.1:${port}`, settings)).toEqual({
    export_failed: { spans: spansOfCalls, causes: [`ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:${port}`] },
  });
});

it("one that refuses, without its response in the log", async () => {
  await using receiver = await startOtlpReceiver((response) => response.writeHead(401).end("secret"));
  expect(await warningsOf(receiver.url)).toEqual({
    export_failed: { spans: spansOfCalls, causes: ["HTTP 401 Unauthorized"] },
  });
});

it("one that never answers: what waits and what is being sent is bounded, and the stop does not wait for it", async () => {
  const open: ServerResponse[] = [];
  await using receiver = await startOtlpReceiver((response) => open.push(response));
  expect(await warningsOf(receiver.url, { OTEL_BSP_MAX_QUEUE_SIZE: "8" })).toEqual({
    queue_full: { spans: spansOfCalls - 8, causes: [undefined] },
    export_failed: { spans: 8, causes: ["the process has stopped before they were sent"] },
  });
  expect(receiver.spans).toHaveLength(8);
  expect(open.map(({ closed }) => closed)).not.toContain(true);
});

it("one that takes a part of what is sent", async () => {
  const partialSuccess = { rejectedSpans: "3", errorMessage: "too old" };
  await using receiver = await startOtlpReceiver((response) => response.end(JSON.stringify({ partialSuccess })));
  const { export_failed } = await warningsOf(receiver.url);
  expect(export_failed).toEqual({
    spans: 3 * receiver.requests.length,
    causes: ["the receiver has rejected spans: too old"],
  });
});

it("one that comes back gets the spans from then on", async () => {
  let isBroken = true;
  await using receiver = await startOtlpReceiver((response) => isBroken && response.writeHead(500).end());
  await using service = await startTraced(receiver.url);
  await callOnce(service, "before");
  const isOf = (id: string) => (spans: readonly ReceivedSpan[]) =>
    spans.some(({ attributes }) => attributes["frontrow.request_id"] === id);
  await receiver.until(isOf("before"));
  isBroken = false;
  await callOnce(service, "after");
  await receiver.until(isOf("after"));
});

/** W3C Trace Context, in and out: what callers send, what it decides, and what they get back. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bearer, createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { type OtlpReceiver, startOtlpReceiver } from "./support/network/otlp-receiver.ts";
import { type Settings, startTestService, type TestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";
import { callWay, ways } from "./support/wire/get-concert.ts";
import { type HeaderValues, sendRaw } from "./support/wire/send.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentSpanId = "b7ad6b7169203331";
const sampled = `00-${traceId}-${parentSpanId}-01`;
const unsampled = `00-${traceId}-${parentSpanId}-00`;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** A service that exports only when it stops. */
function startTraced({ url }: OtlpReceiver, settings: Settings = {}): Promise<TestService> {
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: "60000", ...settings };
  return startTestService(tracing, database, "debug");
}

const portOf = ({ baseUrl }: TestService) => Number(new URL(baseUrl).port);

/** The spans of reads that have these headers, one after the other. */
async function spansOf(settings: Settings, ...sent: HeaderValues[]) {
  await using receiver = await startOtlpReceiver();
  const service = await startTraced(receiver, settings);
  for (const headers of sent) await sendRaw(portOf(service), { path: "/api/v1/concerts", headers });
  await service.close();
  const lines = service.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "call");
  return { spans: receiver.spans, loggedIds: lines.map(({ trace_id }) => trace_id) };
}

it("a trace that the caller does not sample is not exported, and its id is in the log", async () => {
  const { spans, loggedIds } = await spansOf({}, { traceparent: unsampled }, { traceparent: sampled });
  expect(spans).toHaveLength(1);
  expect(loggedIds).toEqual([traceId, traceId]);
});

it("with a ratio of 0 the service begins no trace itself", async () => {
  const settings = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" };
  const { spans } = await spansOf(settings, {}, { traceparent: sampled });
  expect(spans).toMatchObject([{ traceId, parentSpanId }]);
});

it.each(["traceidratio", "parentbased_traceidratio"])(
  "by %s callers cannot have more calls recorded than the setting allows",
  async (sampler) => {
    // A trace id that every ratio above 0 takes.
    const traceparent = `00-${"1".padStart(32, "0")}-${parentSpanId}-01`;
    const settings = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: "0.000000001" };
    const sent = Array.from({ length: 20 }, () => ({ traceparent }));
    expect((await spansOf({ ...settings, APP_MAX_CALLER_TRACES: "0" }, ...sent)).spans).toEqual([]);
    expect((await spansOf({ ...settings, APP_MAX_CALLER_TRACES: "20" }, ...sent)).spans).toHaveLength(20);
  },
);

it.each([
  ["without hexadecimal digits", "00-zz-b7ad6b7169203331-01"],
  ["with an id of zeros", `00-${"0".repeat(32)}-${parentSpanId}-01`],
  ["that is long", "x".repeat(1_000)],
  ["of version ff", `ff-${traceId}-${parentSpanId}-01`],
  ["of version 00 with more fields", `${sampled}-x`],
  ["that is sent twice", [sampled, sampled]],
])("a traceparent %s begins a new trace", async (_, traceparent) => {
  const { spans } = await spansOf({}, { traceparent });
  expect(spans).toMatchObject([{ parentSpanId: "", traceId: expect.not.stringMatching(`^(0+|${traceId})$`) }]);
});

it("a traceparent of a later version is read as far as it is known", async () => {
  const { spans } = await spansOf({}, { traceparent: `01-${traceId}-${parentSpanId}-01-more` });
  expect(spans).toMatchObject([{ traceId, parentSpanId }]);
});

it("a tracestate of more than 512 characters is left out", async () => {
  const { spans } = await spansOf(
    {},
    { traceparent: sampled, tracestate: `a=${"x".repeat(200)},b=${"y".repeat(200)}` },
    { traceparent: sampled, tracestate: `a=${"x".repeat(200)},b=${"y".repeat(200)},c=${"z".repeat(200)}` },
  );
  expect(spans.map(({ traceState }) => traceState?.length)).toEqual([405, undefined]);
});

it("calls that are refused before their handler have spans with the reason, and lines with the trace's id", async () => {
  await using receiver = await startOtlpReceiver();
  const issuer = await createTokenIssuer();
  const limits = { APP_RATE_LIMIT_READS: "2", APP_RATE_LIMIT_ADDRESS_FACTOR: "1" };
  const service = await startTraced(receiver, { ...trusting(issuer), ...limits });
  const path = "/api/v1/concerts";
  const headers = { traceparent: sampled };
  await sendRaw(portOf(service), { path: `${path}?page_size=-1`, headers });
  await sendRaw(portOf(service), { path, headers: { ...headers, ...bearer("no-token") } });
  await sendRaw(portOf(service), { path, headers });
  await service.close();
  expect(receiver.spans.map(({ attributes, status }) => [attributes["frontrow.reason"], status.code])).toEqual([
    ["INVALID_REQUEST", 0],
    ["UNAUTHENTICATED", 0],
    ["RATE_LIMITED", 0],
  ]);
  const lines = service.lines.map((line) => JSON.parse(line)).filter(({ request_id }) => request_id);
  expect(lines.map(({ msg, trace_id }) => [msg, trace_id])).toEqual(
    ["call", "a token was refused", "call", "call"].map((msg) => [msg, traceId]),
  );
});

describe("the response", () => {
  let receiver: OtlpReceiver;
  let service: TestService;
  let concertId: bigint;
  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    service = await startTraced(receiver, { OTEL_BSP_SCHEDULE_DELAY: "10" });
    concertId = (await createStage(service.baseUrl).concert()).id;
  });
  afterAll(async () => {
    await service.close();
    await receiver[Symbol.asyncDispose]();
  });

  describe.each(ways)("of $protocol over HTTP/$httpVersion, $codec $contentType", (way) => {
    it.each([
      ["a call", "1", 0n],
      ["a refused call", "2", 1n],
    ])("to %s names the trace and the call's own span", async (_, part, more) => {
      const requestId = `way-${ways.indexOf(way)}-${part}`;
      const headers = { traceparent: sampled, "x-request-id": requestId };
      const { raw, code, trailers } = await callWay(way, portOf(service), concertId + more, { headers });
      expect(code === undefined).toBe(more === 0n);
      const isThis = (attributes: Readonly<Record<string, unknown>>) => attributes["frontrow.request_id"] === requestId;
      const spans = await receiver.until((all) => all.some(({ attributes }) => isThis(attributes)));
      const span = spans.find(({ attributes }) => isThis(attributes));
      expect({ ...trailers, ...raw.headers }).toMatchObject({ traceresponse: `00-${traceId}-${span?.spanId}-01` });
    });
  });

  it("of REST does too, and says if the call is not recorded", async () => {
    const request = { path: "/api/v1/concerts", headers: { traceparent: unsampled } };
    const { headers } = await sendRaw(portOf(service), request);
    expect(headers.traceresponse).toMatch(new RegExp(`^00-${traceId}-[\\da-f]{16}-00$`));
  });

  it("can be read by pages", async () => {
    const request = { path: "/api/v1/concerts", headers: { origin: "https://a.example" } };
    const { headers } = await sendRaw(portOf(service), request);
    expect(headers["access-control-expose-headers"]).toContain("traceresponse");
  });

  it("has no trace if traces are off", async () => {
    await using untraced = await startTestService({}, database);
    const { headers } = await sendRaw(portOf(untraced), { path: "/api/v1/concerts" });
    expect(headers.traceresponse).toBeUndefined();
  });
});

import { describe, expect, it, test } from "vitest";
import { load, problemsOf } from "../../test/support/unit/config-sources.ts";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
const tracingOf = (env: Record<string, string>) => load({ env }).config.tracing;

const problems = (env: Record<string, string>) => problemsOf({ env: { ...endpoint, ...env } });

describe("tracing is off", () => {
  it.each([
    ["without a receiver", {}],
    ["with an empty variable", { OTEL_EXPORTER_OTLP_ENDPOINT: "" }],
    ["with a sampler and no receiver", { OTEL_TRACES_SAMPLER: "always_on" }],
    ["by OTEL_SDK_DISABLED", { ...endpoint, OTEL_SDK_DISABLED: "TRUE" }],
    ["by OTEL_TRACES_EXPORTER", { ...endpoint, OTEL_TRACES_EXPORTER: "none" }],
  ])("%s", (_, env) => {
    expect(load({ env })).toMatchObject({ config: { tracing: undefined }, warnings: [] });
  });

  it("for the help, which must work with any variables", () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere" };
    expect(load({ argv: ["--help"], env }).config.tracing).toBeUndefined();
  });
});

test("a receiver alone switches tracing on, with OpenTelemetry's defaults", () => {
  expect(tracingOf(endpoint)).toEqual({
    receiver: {
      ...{ url: "http://collector:4318/v1/traces", headers: {}, timeoutMs: 10_000, compression: "none" },
      ...{ ca: undefined, cert: undefined, key: undefined },
    },
    resource: { "service.name": "frontrow" },
    sampler: "parentbased_always_on",
    ratio: 1,
    maxCallerTraces: 100,
    queue: {
      ...{ maxQueueSize: 2_048, maxExportBatchSize: 512, scheduledDelayMillis: 5_000, exportTimeoutMillis: 30_000 },
    },
  });
});

test("the receiver of traces alone is used as it is", () => {
  const env = { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example/own" };
  expect(tracingOf(env)?.receiver.url).toBe("https://traces.example/own");
  expect(tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/a/" })?.receiver.url).toBe(
    "http://collector:4318/a/v1/traces",
  );
});

test("the variables about the service, the sampler and the queue are read", () => {
  expect(
    tracingOf({
      ...endpoint,
      OTEL_SERVICE_NAME: "tickets",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other, zone=a%20b,empty=",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_BSP_MAX_QUEUE_SIZE: "64",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_BSP_EXPORT_TIMEOUT: "200",
    }),
  ).toMatchObject({
    resource: { "service.name": "tickets", zone: "a b", empty: "" },
    ...{ sampler: "traceidratio", ratio: 0.25 },
    queue: { maxQueueSize: 64, maxExportBatchSize: 64, scheduledDelayMillis: 100, exportTimeoutMillis: 200 },
  });
});

test("the variables about the export are read, those for traces first", () => {
  const env = {
    ...endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20all, x-zone=a",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "Authorization=Bearer%20traces",
    OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
    OTEL_EXPORTER_OTLP_COMPRESSION: "none",
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "gzip",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/etc/ca.pem",
  };
  expect(load({ env, files: { "/etc/ca.pem": "PEM" } }).config.tracing?.receiver).toMatchObject({
    headers: { authorization: "Bearer traces", "x-zone": "a" },
    ...{ timeoutMs: 2_000, compression: "gzip", ca: "PEM", cert: undefined },
  });
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }, "OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL such as"],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://" }, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be a URL such as"],
  [{ OTEL_TRACES_SAMPLER: "sometimes" }, "OTEL_TRACES_SAMPLER: must be one of always_on, "],
  [
    { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "1.5" },
    "OTEL_TRACES_SAMPLER_ARG: must be a number",
  ],
  [
    { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "all" },
    "OTEL_TRACES_SAMPLER_ARG: must be a number",
  ],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: "0" }, "OTEL_BSP_MAX_QUEUE_SIZE: must be a whole number from 1 to 65536"],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: "8", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "9" }, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: must be"],
  [{ OTEL_BSP_SCHEDULE_DELAY: "5s" }, "OTEL_BSP_SCHEDULE_DELAY: must be a whole number"],
  [{ OTEL_RESOURCE_ATTRIBUTES: "zone" }, "OTEL_RESOURCE_ATTRIBUTES: must be KEY=VALUE,KEY=VALUE"],
  [{ OTEL_RESOURCE_ATTRIBUTES: "zone=%" }, "OTEL_RESOURCE_ATTRIBUTES: must be KEY=VALUE,KEY=VALUE"],
  [{ OTEL_TRACES_EXPORTER: "console" }, "OTEL_TRACES_EXPORTER: must be one of otlp, none"],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "http" }, "OTEL_EXPORTER_OTLP_PROTOCOL: must be one of http/json"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "secret" }, "OTEL_EXPORTER_OTLP_HEADERS: must be KEY=VALUE,KEY=VALUE"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "a=secret%0a%0ab" }, "OTEL_EXPORTER_OTLP_HEADERS: must have names and values"],
  [{ OTEL_EXPORTER_OTLP_TRACES_HEADERS: "secret secret=1" }, "OTEL_EXPORTER_OTLP_TRACES_HEADERS: must be KEY=VALUE"],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: "10s" }, "OTEL_EXPORTER_OTLP_TIMEOUT: must be a whole number"],
  [{ OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "br" }, "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: must be one of none, gzip"],
  [{ OTEL_EXPORTER_OTLP_CERTIFICATE: "/no.pem" }, 'OTEL_EXPORTER_OTLP_CERTIFICATE: "/no.pem" does not exist'],
])("%o ends the start with a sentence that names the variable", (env, sentence) => {
  expect(problems(env)).toEqual([expect.stringContaining(sentence)]);
});

test("a URL with a password is not repeated, nor is a header", () => {
  expect(problems({ OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://ann:secret@collector" }).join()).not.toContain("secret");
  expect(problems({ OTEL_EXPORTER_OTLP_HEADERS: "authorization=secret\u20ac" })).toEqual([
    "OTEL_EXPORTER_OTLP_HEADERS: must have names and values of HTTP headers",
  ]);
});

test.each(["http/protobuf", "grpc"])(
  "warns of the protocol %s, which platforms set for all of their services",
  (name) => {
    const env = { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: name };
    expect(load({ env }).warnings).toEqual([
      `OTEL_EXPORTER_OTLP_PROTOCOL=${name} is ignored: traces are sent by HTTP, as JSON`,
    ]);
  },
);

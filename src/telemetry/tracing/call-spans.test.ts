import { SpanStatusCode } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import type { Failure } from "../../domain/failure.ts";
import type { FinishedCall } from "../../rpc/events.ts";
import { type AppEvents, createEventHub } from "../events.ts";
import { traceCalls } from "./call-spans.ts";

const call = { service: "a.Service", method: "Do", protocol: "grpc", requestId: "r-1", httpVersion: "2" } as const;

/** The span of a call that ends like this. */
function spanOf(code: string, changes: Partial<FinishedCall> = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const hub = createEventHub<AppEvents>((error) => expect.unreachable(String(error)));
  const begin = traceCalls(provider.getTracer("test"), () => true, hub, new AsyncDisposableStack());
  const trace = begin({ ...call, header: new Headers() });
  const error = code === "OK" ? undefined : { failure: undefined, message: "so it is", cause: undefined };
  const finished = { ...call, trace, user: "nora", durationMs: 1, messages: undefined, code, error };
  hub.publish("rpc.call_finished", { ...finished, ...changes });
  return exporter.getFinishedSpans()[0];
}

test.each([
  ["Canceled", "CANCELLED"],
  ["NotFound", "NOT_FOUND"],
  ["InvalidArgument", "INVALID_ARGUMENT"],
  ["ResourceExhausted", "RESOURCE_EXHAUSTED"],
])("%s is %s, and no error of the service", (code, name) => {
  const failure: Failure = { reason: "INSUFFICIENT_TICKETS", available: 0 };
  const span = spanOf(code, { error: { failure, message: "so it is", cause: undefined } });
  expect(span).toMatchObject({
    attributes: { "rpc.status_code": name, "frontrow.reason": "INSUFFICIENT_TICKETS" },
    status: { code: SpanStatusCode.UNSET },
  });
  expect(span?.attributes).not.toHaveProperty("error.type");
});

test.each([
  ["Canceled", "canceled"],
  ["DeadlineExceeded", "deadline_exceeded"],
  ["OK", undefined],
])("in Connect %s is %s", (code, name) => {
  expect(spanOf(code, { protocol: "connect" })?.attributes["rpc.status_code"]).toBe(name);
});

test.each(["Unknown", "DeadlineExceeded", "Unimplemented", "Internal", "Unavailable", "DataLoss"])(
  "%s is an error of the service",
  (code) => {
    const span = spanOf(code);
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: "so it is" });
    expect(span?.attributes["error.type"]).toBe(span?.attributes["rpc.status_code"]);
  },
);

test("a stream has the number of its messages", () => {
  expect(spanOf("OK", { messages: 3 })?.attributes).toMatchObject({ "rpc.status_code": "OK", "frontrow.messages": 3 });
});

test("a span has no user", () => {
  expect(JSON.stringify(spanOf("OK")?.attributes)).not.toContain("nora");
});

import type { DescService } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { namesUnknownKey } from "../../domain/failure.ts";
import { type Lane, lanes } from "../../limits/limit-key.ts";
import { readAccessRules } from "../../rpc/access.ts";
import type { Protocol } from "../../rpc/call-context.ts";
import type { RpcEvents } from "../../rpc/events.ts";
import type { EventHub } from "../events.ts";
import type { Series } from "./histogram.ts";
import type { Cell, Instruments, Labels } from "./instruments.ts";

/** From 1 ms, less than a booking takes, to 10 s, the longest deadline by default. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const protocols: ReadonlySet<string> = new Set<Protocol>(["rest", "connect", "grpc", "grpc-web"]);
const codes: ReadonlySet<string> = new Set(["OK", ...Object.values(Code).filter((name) => typeof name === "string")]);
/** In place of a value that is not in its closed set. */
const other = "other";
/** Counted from 0, since a rate does not see a series whose first value is 1. */
const codesFromStart = [
  "OK",
  "Unknown",
  "DeadlineExceeded",
  "ResourceExhausted",
  "Internal",
  "Unavailable",
  "DataLoss",
];

/** The calls of one method by one protocol. */
interface MethodCalls {
  readonly labels: Labels;
  readonly byCode: Map<string, Cell>;
  readonly durations: Series;
}

/**
 * Counts the calls that have ended. Their methods are those of the services that `addServices` has got, so that no label has
 * a value that a client chose.
 */
export function countCalls(on: EventHub<RpcEvents>["subscribe"], { counters, counterBy, histograms }: Instruments) {
  const calls = counters("frontrow_calls_total", "Calls that have ended, streams included, by the code of their end", [
    "service",
    "method",
    "protocol",
    "code",
  ]);
  const durations = histograms(
    "frontrow_call_duration_seconds",
    "Duration of unary calls in the service",
    ["service", "method", "protocol"],
    durationBuckets,
  );
  const ofUnknownKeys = counterBy(
    "frontrow_unknown_key_calls_total",
    "Calls rejected with Unavailable because their token names an unknown key",
    "lane",
    lanes,
  );
  const methods = new Map<string, ReadonlyMap<string, Lane>>();
  const seen = new Map<string, Map<string, Map<string, MethodCalls>>>();

  /** The calls of a method, for its first one. */
  function addMethod(service: string, method: string, protocol: string): MethodCalls {
    const isKnown = methods.get(service)?.has(method) === true && protocols.has(protocol);
    const labels = isKnown ? { service, method, protocol } : { service: other, method: other, protocol: other };
    const byProtocol = seen
      .getOrInsertComputed(labels.service, () => new Map())
      .getOrInsertComputed(labels.method, () => new Map<string, MethodCalls>());
    return byProtocol.getOrInsertComputed(labels.protocol, () => {
      const start = codesFromStart.map((code) => [code, calls.series({ ...labels, code })] as const);
      return { labels, byCode: new Map(start), durations: durations.series(labels) };
    });
  }

  function addCode({ labels, byCode }: MethodCalls, code: string): Cell {
    const label = codes.has(code) ? code : other;
    return byCode.getOrInsertComputed(label, () => calls.series({ ...labels, code: label }));
  }

  // Lookups only, without a new object: this runs for every call.
  on("rpc.call_finished", ({ service, method, protocol, code, messages, durationMs, error }) => {
    const found = seen.get(service)?.get(method)?.get(protocol) ?? addMethod(service, method, protocol);
    const cell = found.byCode.get(code) ?? addCode(found, code);
    cell.value++;
    // A stream lasts as long as its client wants.
    if (messages === undefined) found.durations.observe(durationMs / 1_000);
    if (error !== undefined && namesUnknownKey(error.failure)) {
      const lane = methods.get(service)?.get(method);
      if (lane) ofUnknownKeys[lane].value++;
    }
  });

  return {
    addServices(services: readonly DescService[]): void {
      const ruleOf = readAccessRules(services);
      for (const { typeName, methods: ofService } of services)
        methods.set(typeName, new Map(ofService.map((method) => [method.name, ruleOf(method).lane])));
    },
  };
}

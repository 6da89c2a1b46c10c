import type { DescService } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { namesUnknownKey } from "../../domain/failure.ts";
import { type Lane, lanes } from "../../limits/limit-key.ts";
import { readAccessRules } from "../../rpc/access.ts";
import type { Protocol } from "../../rpc/call-context.ts";
import type { FinishedCall, RpcEvents } from "../../rpc/events.ts";
import type { EventHub } from "../events.ts";
import { failureCodes, missesShortDeadline } from "../failed-calls.ts";
import type { Series } from "./histogram.ts";
import type { Cell, Instruments, Labels } from "./instruments.ts";

/** From 1 ms, less than a booking takes, to 10 s, the longest deadline by default. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const protocols: ReadonlySet<string> = new Set<Protocol>(["rest", "connect", "grpc", "grpc-web", "mcp"]);
const codes: ReadonlySet<string> = new Set(["OK", ...Object.values(Code).filter((name) => typeof name === "string")]);
/** In place of a value that is not in its closed set. */
const other = "other";
/** Counted from 0, since a rate does not see a series whose first value is 1. */
const codesFromStart = ["OK", "ResourceExhausted", ...failureCodes];

type Result = "answered" | "refused" | "failed";

/** The calls of one method by one protocol that ended with one code. */
interface EndedCalls {
  readonly count: Cell;
  readonly durations: Series;
}

/** The calls of one method by one protocol. */
interface MethodCalls {
  readonly labels: Labels;
  readonly byCode: Map<string, EndedCalls>;
  readonly durations: Readonly<Record<Result, Series>>;
}

/**
 * Counts the calls that have ended. Their methods are those of the services that `addServices` has got, so that no label has
 * a value that a client chose.
 */
export function countCalls(on: EventHub<RpcEvents>["subscribe"], instruments: Instruments) {
  const { calls, durations } = createFamilies(instruments);
  const lanesOf = new Map<string, ReadonlyMap<string, Lane>>();
  const countCause = countClientErrors(instruments, ({ service, method }) => lanesOf.get(service)?.get(method));
  const seen = new Map<string, Map<string, Map<string, MethodCalls>>>();

  /** The calls of a method, for its first one. */
  function addMethod(service: string, method: string, protocol: string): MethodCalls {
    const isKnown = lanesOf.get(service)?.has(method) === true && protocols.has(protocol);
    const labels = isKnown ? { service, method, protocol } : { service: other, method: other, protocol: other };
    const byProtocol = seen
      .getOrInsertComputed(labels.service, () => new Map())
      .getOrInsertComputed(labels.method, () => new Map<string, MethodCalls>());
    return byProtocol.getOrInsertComputed(labels.protocol, () => {
      const of = (result: Result) => durations.series({ ...labels, result });
      const byResult = { answered: of("answered"), refused: of("refused"), failed: of("failed") };
      const added = { labels, byCode: new Map(), durations: byResult };
      for (const code of codesFromStart) addCode(added, code);
      return added;
    });
  }

  function addCode({ labels, byCode, durations: byResult }: MethodCalls, code: string): EndedCalls {
    const label = codes.has(code) ? code : other;
    return byCode.getOrInsertComputed(label, () => ({
      count: calls.series({ ...labels, code: label }),
      durations: byResult[resultOf(label)],
    }));
  }

  // Lookups only, without a new object: this runs for every call.
  on("rpc.call_finished", (call) => {
    const { service, method, protocol, code } = call;
    const found = seen.get(service)?.get(method)?.get(protocol) ?? addMethod(service, method, protocol);
    const ended = found.byCode.get(code) ?? addCode(found, code);
    ended.count.value++;
    // A stream lasts as long as its client wants.
    if (call.messages !== undefined) return;
    ended.durations.observe(call.durationMs / 1_000);
    if (call.error !== undefined) countCause(call);
  });

  return {
    addServices(services: readonly DescService[]): void {
      const ruleOf = readAccessRules(services);
      for (const { typeName, methods: ofService } of services)
        lanesOf.set(typeName, new Map(ofService.map((method) => [method.name, ruleOf(method).lane])));
    },
  };
}

function createFamilies({ counters, histograms }: Instruments) {
  const labels = ["service", "method", "protocol"];
  const callsHelp = "Calls that have ended, streams included, by the code of their end";
  const durationsHelp = "Duration of unary calls in the service";
  return {
    calls: counters("frontrow_calls_total", callsHelp, [...labels, "code"]),
    durations: histograms("frontrow_call_duration_seconds", durationsHelp, [...labels, "result"], durationBuckets),
  };
}

function resultOf(code: string): Result {
  if (code === "OK") return "answered";
  return failureCodes.has(code) ? "failed" : "refused";
}

/** Counts calls with codes of the service's failures whose cause is the client, so that alerts can leave them out. */
function countClientErrors({ counters }: Instruments, laneOf: (call: FinishedCall) => Lane | undefined) {
  const family = counters(
    "frontrow_client_caused_errors_total",
    "Calls that end with Unavailable because their token names an unknown key, or with DeadlineExceeded although their " +
      "client allowed less than a second",
    ["lane", "cause"],
  );
  const series = lanes.map((lane) => {
    const of = (cause: string) => family.series({ lane, cause });
    return [lane, { unknownKey: of("unknown_key"), shortDeadline: of("short_deadline") }] as const;
  });
  const byLane = new Map(series);
  return (call: FinishedCall) => {
    const lane = laneOf(call);
    const causes = lane && byLane.get(lane);
    if (causes === undefined) return;
    if (missesShortDeadline(call)) causes.shortDeadline.value++;
    else if (namesUnknownKey(call.error?.failure)) causes.unknownKey.value++;
  };
}

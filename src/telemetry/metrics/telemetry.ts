import type { AppEvents, EventHub } from "../events.ts";
import type { Instruments } from "./instruments.ts";

const reasons = ["queue_full", "export_failed"] as const;

/** Counts what the log and the traces leave out. */
export function observeTelemetry(on: EventHub<AppEvents>["subscribe"], instruments: Instruments): void {
  const { counter, counterBy } = instruments;
  const logHelp = "Lines that the log left out, so that it does not slow the service";
  const logLines = counter("frontrow_log_lines_dropped_total", logHelp);
  const traceHelp = "Spans that were not exported, because the receiver is slow or gone";
  const spans = counterBy("frontrow_traces_dropped_total", traceHelp, "reason", reasons);

  on("telemetry.log_lines_dropped", ({ lines }) => {
    logLines.value += lines;
  });
  on("telemetry.spans_dropped", ({ spans: dropped, reason }) => {
    spans[reason].value += dropped;
  });
}

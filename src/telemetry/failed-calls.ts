/** Which of the calls that were not answered are failures of the service, for the log, the metrics and the traces. */
import type { FinishedCall } from "../rpc/events.ts";

/** The codes of calls that the service should have answered, as opposed to those of rejected requests. */
export const failureCodes: ReadonlySet<string> = new Set([
  ...["Unknown", "DeadlineExceeded", "Internal", "Unavailable", "DataLoss"],
]);

const shortDeadlineMs = 1_000;

/** Whether a call has missed a deadline that was too short to blame the service: any client can set one. */
export function missesShortDeadline({ code, timeoutMs }: Pick<FinishedCall, "code" | "timeoutMs">): boolean {
  return code === "DeadlineExceeded" && timeoutMs !== undefined && timeoutMs < shortDeadlineMs;
}

import type { TracingConfig } from "../../config/load.ts";
import type { BeginTrace } from "../../rpc/events.ts";
import type { AppEvents, EventHub } from "../events.ts";

/** Starts tracing if it is configured. Without it the SDK is not even loaded. The stack ends it, after a last export. */
export async function openTracing(
  config: TracingConfig | undefined,
  hub: EventHub<AppEvents>,
  stack: AsyncDisposableStack,
): Promise<BeginTrace | undefined> {
  if (config === undefined) return undefined;
  const { startTracing } = await import("./start.ts");
  return startTracing(config, hub, stack);
}

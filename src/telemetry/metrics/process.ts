/**
 * The metrics of the process, under prom-client's names. Its own set also observes each garbage collection, wakes up every
 * 10 ms for the event loop, and lists all handles and resources at each scrape. It cannot be closed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Instruments } from "./instruments.ts";

const packageFile = join(import.meta.dirname, "..", "..", "..", "package.json");

/** Adds what there is to know about the process. */
export function describeProcess(instruments: Instruments): void {
  const { gaugeOf, gauges } = instruments;
  addProcessorTime(instruments);
  const startedAtSeconds = Math.round(Date.now() / 1_000 - process.uptime());
  gaugeOf("process_start_time_seconds", "When the process was started", "min", () => startedAtSeconds);
  gaugeOf("process_resident_memory_bytes", "Resident memory", "sum", () => process.memoryUsage.rss());
  const heap = "of the heap of JavaScript";
  gaugeOf("nodejs_heap_size_total_bytes", `Size ${heap}`, "sum", () => process.memoryUsage().heapTotal);
  gaugeOf("nodejs_heap_size_used_bytes", `Used part ${heap}`, "sum", () => process.memoryUsage().heapUsed);
  const external = "Memory outside of the heap that objects in it own, such as buffers";
  gaugeOf("nodejs_external_memory_bytes", external, "sum", () => process.memoryUsage().external);
  addOpenFiles(instruments);
  const help = "Always 1; the labels have the versions of Frontrow and of Node";
  const { version } = JSON.parse(readFileSync(packageFile, "utf8"));
  gauges("frontrow_build_info", help, ["version", "node"], "first").series({ version, node: process.version }).value =
    1;
}

function addProcessorTime({ counterOf }: Instruments): void {
  const time = (kind: "user" | "system") => process.cpuUsage()[kind] / 1_000_000;
  const all = () => time("user") + time("system");
  counterOf("process_cpu_user_seconds_total", "Processor time of the process itself", () => time("user"));
  counterOf("process_cpu_system_seconds_total", "Processor time of the system for the process", () => time("system"));
  counterOf("process_cpu_seconds_total", "Processor time, both together", all);
}

/** Only Linux has them in files: elsewhere there are no values. */
function addOpenFiles({ gaugeOf }: Instruments): void {
  const most = maxOpenFiles();
  // Listed once a scrape, which reads the gauges in this order.
  let open: number | undefined;
  gaugeOf("process_open_fds", "Open files, sockets included", "sum", () => {
    open = countOpenFiles(most);
    return open;
  });
  gaugeOf("process_max_fds", "Most open files that are allowed", "sum", () => most);
  gaugeOf("frontrow_open_files_ratio", "Open files of a process, sockets included, by its limit", "max", () =>
    open === undefined || most === undefined ? undefined : open / most,
  );
}

/** Without the one that lists them. If there is none left for that, `most` are open. */
function countOpenFiles(most: number | undefined): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1;
  } catch (error) {
    return isOutOfFiles(error) ? most : undefined;
  }
}

function isOutOfFiles(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EMFILE";
}

function maxOpenFiles(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

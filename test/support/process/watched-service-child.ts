/** Frontrow in a process that writes what it holds when it receives SIGUSR2. */
import { startApp } from "../../../src/app.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { createLogger } from "../../../src/telemetry/log.ts";

const projectRoot = import.meta.dirname;
const { config } = loadConfig({ argv: [], env: process.env, readFile: () => undefined, projectRoot });
const app = await startApp(config, createLogger({ level: config.logLevel }), new AbortController().signal);
const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

process.on("SIGUSR2", () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  write({
    sockets: process.getActiveResourcesInfo().filter((resource) => resource === "TCPSocketWrap").length,
    usedBytes: heapUsed + external,
    // Node gives kilobytes on every platform.
    peakBytes: process.resourceUsage().maxRSS * 1024,
  });
});
process.once("SIGTERM", async () => {
  await app.close();
  process.exit();
});
write({ restPort: app.restPort, grpcPort: app.grpcPort });

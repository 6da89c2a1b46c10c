/** The service in a process of its own, which tells its parent what it holds. The argument: its environment, as JSON. */
import { startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLogger } from "../../src/telemetry/log.ts";

const [environment = "{}"] = process.argv.slice(2);
const { config } = loadConfig({
  argv: [],
  env: JSON.parse(environment),
  readFile: () => undefined,
  projectRoot: import.meta.dirname,
});
const app = await startApp(config, createLogger({ level: config.logLevel }), new AbortController().signal);

process.on("message", () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({
    sockets: process.getActiveResourcesInfo().filter((resource) => resource === "TCPSocketWrap").length,
    usedBytes: heapUsed + external,
    // Kilobytes everywhere, says Node's documentation.
    peakBytes: process.resourceUsage().maxRSS * 1024,
  });
});
process.once("disconnect", async () => {
  await app.close();
  process.exit();
});
process.send?.({ restPort: app.restPort, grpcPort: app.grpcPort });

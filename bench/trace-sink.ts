/** A receiver of traces in the bench's own process, which reads what the service exports and drops it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface TraceSink {
  /** The settings with which a server exports one trace in a hundred to it. */
  readonly settings: Readonly<Record<string, string>>;
  /** How many exports have arrived. */
  exports(): number;
  close(): Promise<void>;
}

export async function startTraceSink(): Promise<TraceSink> {
  let exports = 0;
  const server = createServer((request, response) => {
    exports++;
    request.resume().once("end", () => response.setHeader("content-type", "application/json").end("{}"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
      // Several exports within a measurement.
      OTEL_BSP_SCHEDULE_DELAY: "250",
    },
    exports: () => exports,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
